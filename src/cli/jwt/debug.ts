// `meltemi jwt debug TOKEN`: which RequestAuthentication takes or refuses a token, and why; for one workload, what its proxies
// make of it. The token stays in this process: the mesh is asked for its policies and keys, or for what its proxies were
// sent, and is told nothing.

import type { IssuerKeysReport } from "../../admin/contract/control-plane.ts";
import type { Mesh } from "../../admin/contract/mesh.ts";
import { keyLocationOf, type RequestAuthentication } from "../../kinds/request-authentication.ts";
import { withMesh } from "../choose-mesh.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { textArgument, textOption } from "../command.ts";
import type { ExitCode } from "../exit-code.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { renderTable } from "../table.ts";
import { judgeAtWorkload } from "./judge-at-workload.ts";
import { judgeToken, type ReadToken, readToken, timeText, type Verdict } from "./judge-token.ts";

export interface JudgedRule {
  /** `namespace/name`. */
  readonly policy: string;
  /** In spec.jwtRules. */
  readonly rule: number;
  readonly verdict: Verdict["kind"];
  readonly reason: string;
}

/** Ends with 1 where no rule takes it, or not every proxy of the workload. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const token = parseToken(await givenText(textArgument(input, 0) ?? ""));
  const { judged, table, isTaken } = await judgedBy(token, context, input);
  const { terminal } = context;
  if (format === "json" || format === "yaml") await writeValue(terminal, judged, format);
  else terminal.write(`${tokenText(token)}\n${table}`);
  return isTaken ? exitCodes.done : exitCodes.no;
}

interface Judgement {
  readonly judged: readonly object[];
  readonly table: string;
  readonly isTaken: boolean;
}

function judgedBy(token: ReadToken, context: CommandContext, input: CommandInput): Promise<Judgement> {
  const workload = textOption(input, "for");
  return withMesh(context, input, (mesh) =>
    workload === undefined ? judgeByAll(token, mesh, input) : judgeFor(token, mesh, { workload, input }),
  );
}

async function judgeByAll(token: ReadToken, mesh: Mesh, input: CommandInput): Promise<Judgement> {
  const { requestAuthenticationKind } = await import("../../kinds/request-authentication.ts");
  const policies = await mesh.objects(requestAuthenticationKind, textOption(input, "namespace"));
  const facts = { keys: await mesh.issuerKeys(), nowMs: Date.now() };
  const judged = await judgeByPolicies(token, policies as readonly RequestAuthentication[], facts);
  const rows = judged.map(({ policy, rule, verdict, reason }) => [policy, String(rule), verdict, reason]);
  return {
    judged,
    table: rows.length === 0 ? NO_POLICIES : renderTable(["POLICY", "RULE", "VERDICT", "WHY"], rows),
    isTaken: judged.some(({ verdict }) => verdict === "takes"),
  };
}

async function judgeFor(
  { text }: ReadToken,
  mesh: Mesh,
  { workload, input }: { readonly workload: string; readonly input: CommandInput },
): Promise<Judgement> {
  const judged = await judgeAtWorkload(mesh, text, { workload, namespace: textOption(input, "namespace") });
  const rows = judged.map(({ namespace, pod, verdict, reason }) => [`${pod}.${namespace}`, verdict, reason]);
  return {
    judged,
    table: renderTable(["POD", "VERDICT", "WHY"], rows),
    isTaken: judged.every(({ verdict }) => verdict === "takes"),
  };
}

const NO_POLICIES = "There is no RequestAuthentication, so nobody looks at tokens.\n";

interface MeshFacts {
  readonly keys: readonly IssuerKeysReport[];
  readonly nowMs: number;
}

/** By each rule of each policy, whichever workloads it is for. */
export async function judgeByPolicies(
  token: ReadToken,
  policies: readonly RequestAuthentication[],
  { keys, nowMs }: MeshFacts,
): Promise<readonly JudgedRule[]> {
  const found = new Map(keys.map((report) => [report.location, report]));
  const judged: JudgedRule[] = [];
  for (const { metadata, spec } of policies) {
    for (const [index, rule] of (spec?.jwtRules ?? []).entries()) {
      const location = keyLocationOf(rule);
      const report = location === undefined ? undefined : found.get(location);
      const jwks = location === undefined ? rule.jwks : report?.jwks;
      const { kind, reason } = await judgeToken(token, rule, { jwks, nowMs });
      const isWithoutKeys = kind === "refuses" && jwks === undefined && report?.failure !== undefined;
      judged.push({
        policy: `${metadata.namespace}/${metadata.name}`,
        rule: index,
        verdict: kind,
        reason: isWithoutKeys ? `${reason}: ${report.failure}` : reason,
      });
    }
  }
  return judged;
}

function tokenText({ algorithm, keyId, claims }: ReadToken): string {
  const { iss, sub, aud, exp } = claims;
  const facts = [
    ["issuer", iss],
    ["subject", sub],
    ["audience", typeof aud === "string" ? aud : aud?.join(" ")],
    ["algorithm", algorithm],
    ["key", keyId],
    ["expires", exp === undefined ? undefined : timeText(exp)],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`])).join(", ");
}

async function givenText(argument: string): Promise<string> {
  if (argument !== "-") return argument;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** As it is in a header, too. */
function parseToken(text: string): ReadToken {
  const token = readToken(text.trim().replace(/^(authorization:\s*)?bearer\s+/i, ""));
  if (token !== undefined) return token;
  const hint = "wanted three parts in base64url with dots between them; - reads it from standard input";
  throw new CommandFailure(exitCodes.usage, "What is given isn't a JSON Web Token", hint);
}
