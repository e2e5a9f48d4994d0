// `meltemi authz can-i [METHOD] URL --as CALLER`: whether a call would be let in, and by which rule, from the filters that
// the Envoys of the called pods hold.

import type { Mesh } from "../../admin/contract/mesh.ts";
import { withMesh } from "../choose-mesh.ts";
import { type CommandContext, type CommandInput, textOption } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { type AskedCall, readAskedCall } from "./asked-call.ts";
import { findCalledPods } from "./called-pods.ts";
import { type Caller, readCaller } from "./caller.ts";
import { readMeshPods } from "./mesh-pods.ts";
import { judgeCall, type PodVerdict } from "./pod-verdicts.ts";
import { verdictText } from "./verdict-text.ts";

/** Ends with 1 unless every pod surely lets the call in. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const call = await readAskedCall(input);
  const { caller, verdicts } = await withMesh(context, input, (mesh) =>
    judge(context, mesh, { call, input }),
  );
  if (format === "json" || format === "yaml") {
    await writeValue(context.terminal, reportOf(call, caller, verdicts), format);
  } else {
    context.terminal.write(verdictText(verdicts));
  }
  return verdicts.every(({ verdict }) => verdict === "allowed") ? exitCodes.done : exitCodes.no;
}

async function judge(
  { terminal }: CommandContext,
  mesh: Mesh,
  { call, input }: { readonly call: AskedCall; readonly input: CommandInput },
): Promise<{ readonly caller: Caller; readonly verdicts: readonly PodVerdict[] }> {
  const meshPods = await readMeshPods(mesh);
  const caller = readCaller(input, meshPods);
  if (caller.remark !== undefined) terminal.writeError(`note: ${caller.remark}\n`);
  const namespace = textOption(input, "namespace") ?? caller.namespace;
  const called = findCalledPods(call, { to: textOption(input, "to"), namespace }, meshPods);
  const serverName = textOption(input, "sni");
  const question = { call, caller, serverName, nowSeconds: Math.floor(Date.now() / 1000) };
  const verdicts: PodVerdict[] = [];
  // One after the other: a dump may be large, and in a cluster each is a connection through the API server.
  for (const pod of called) verdicts.push(await judgeCall(mesh, pod, question));
  return { caller, verdicts };
}

/** Headers may hold secrets: they aren't repeated. */
function reportOf({ url, request }: AskedCall, caller: Caller, verdicts: readonly PodVerdict[]) {
  const [first] = verdicts;
  const isSame = verdicts.every(({ verdict }) => verdict === first?.verdict);
  return {
    call: { caller: caller.text, ...(request === undefined ? {} : { method: request.method }), url },
    verdict: isSame ? first?.verdict : "differs",
    pods: verdicts,
  };
}
