// `meltemi authz can-i [METHOD] URL --as CALLER`: whether a call would be let in, and by which rule, from the filters that
// the Envoys of the called pods hold.

import type { Mesh } from "../../admin/contract/mesh.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import { withMesh } from "../choose-mesh.ts";
import { type CommandContext, type CommandInput, textOption } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { type AskedCall, readAskedCall } from "./asked-call.ts";
import {
  type CalledPod,
  type CallTarget,
  findCalledPods,
  findGatewayPods,
  isHostOfMesh,
} from "./called-pods.ts";
import { type Caller, readCaller } from "./caller.ts";
import { type MeshPods, readMeshPods } from "./mesh-pods.ts";
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
  const target = { to: textOption(input, "to"), namespace };
  const atGateways = await calledGateways(mesh, call, { target, meshPods });
  const called = atGateways.length > 0 ? atGateways : findCalledPods(call, target, meshPods);
  const serverName = textOption(input, "sni");
  const question = { call, caller, serverName, nowSeconds: Math.floor(Date.now() / 1000) };
  const verdicts: PodVerdict[] = [];
  // One after the other: a dump may be large, and in a cluster each is a connection through the API server.
  for (const pod of called) verdicts.push(await judgeCall(mesh, pod, question));
  return { caller, verdicts };
}

/** A host that is nothing of the mesh's own is called at the gateways that serve it. */
async function calledGateways(
  mesh: Mesh,
  call: AskedCall,
  { target: { to, namespace }, meshPods }: { readonly target: CallTarget; readonly meshPods: MeshPods },
): Promise<readonly CalledPod[]> {
  if (to !== undefined || isHostOfMesh(call.host, namespace, meshPods)) return [];
  const { gatewayKind } = await import("../../kinds/gateway/gateway.ts");
  return findGatewayPods(call, (await mesh.objects(gatewayKind)) as readonly Gateway[], meshPods);
}

/** Headers may hold secrets: they aren't repeated. */
function reportOf(
  { url, request: plain, tlsRequest: request = plain }: AskedCall,
  caller: Caller,
  verdicts: readonly PodVerdict[],
) {
  const [first] = verdicts;
  const isSame = verdicts.every(({ verdict }) => verdict === first?.verdict);
  return {
    call: { caller: caller.text, ...(request === undefined ? {} : { method: request.method }), url },
    verdict: isSame ? first?.verdict : "differs",
    pods: verdicts,
  };
}
