// Asks the Envoy of each pod what it was sent, and what that comes to for a call.

import type { Mesh } from "../../admin/contract/mesh.ts";
import { objectKey } from "../../core/object-key.ts";
import type { Call, HttpRequest, Peer } from "../../explain/call.ts";
import type { Decision, NamedRule, Reason } from "../../explain/decision.ts";
import { known } from "../../explain/truth.ts";
import type { AskedCall } from "./asked-call.ts";
import type { CalledPod } from "./called-pods.ts";
import type { Caller } from "./caller.ts";
import { hasProxy } from "./mesh-pods.ts";

export interface PodVerdict {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  readonly verdict: Decision["verdict"];
  readonly reason: Reason | { readonly kind: "no-proxy" };
  /** Of the rule that decides, as `file:line`, where the mesh knows it. */
  readonly location?: string;
  readonly steps: Decision["steps"];
}

export interface CallQuestion {
  readonly call: AskedCall;
  readonly caller: Caller;
  /** What the caller names in TLS, where it is said. */
  readonly serverName: string | undefined;
  readonly nowSeconds: number;
}

export async function judgeCall(
  mesh: Mesh,
  { pod, port }: CalledPod,
  question: CallQuestion,
): Promise<PodVerdict> {
  const { namespace, name } = pod.metadata;
  const place = { namespace, pod: name, port };
  if (!hasProxy(pod)) return { ...place, verdict: "allowed", reason: { kind: "no-proxy" }, steps: [] };
  const [{ readReceivedConfig }, { decideAtSidecar }] = await Promise.all([
    import("../../explain/received-config.ts"),
    import("../../explain/decide-at-sidecar.ts"),
  ]);
  const config = readReceivedConfig(await mesh.envoy({ namespace, name }, "/config_dump"));
  const call = callOf(question, { ip: pod.status?.podIP, port, trustDomain: config.trustDomain });
  const decision = decideAtSidecar(config, call, question);
  const location = await locationOf(mesh, decision.reason);
  return { ...place, ...decision, ...(location === undefined ? {} : { location }) };
}

interface Receiver {
  readonly ip: string | undefined;
  readonly port: number;
  /** Of its own certificate: the mesh's. */
  readonly trustDomain: string | undefined;
}

function callOf({ call, caller, serverName }: CallQuestion, { ip, port, trustDomain }: Receiver): Call {
  return {
    peer: peerOf(caller, trustDomain),
    sourceIp: caller.ip === undefined ? undefined : known(caller.ip),
    destinationIp: ip === undefined ? undefined : known(ip),
    destinationPort: port,
    serverName: serverName === undefined ? undefined : known(serverName),
    ...(call.request === undefined ? {} : { request: requestOf(call.request) }),
  };
}

function peerOf({ account }: Caller, trustDomain: string | undefined): Peer {
  if (account === undefined) return { kind: "anonymous" };
  if (trustDomain === undefined) return { kind: "certificate", names: undefined };
  const uri = `spiffe://${trustDomain}/ns/${account.namespace}/sa/${account.name}`;
  return { kind: "certificate", names: known([uri]) };
}

function requestOf({ method, authority, path, headers }: NonNullable<AskedCall["request"]>): HttpRequest {
  return { method: known(method), authority: known(authority), path: known(path), headers: known(headers) };
}

function locationOf(mesh: Mesh, reason: Reason): Promise<string | undefined> {
  const rule = decidingRule(reason)?.parsed;
  if (rule === undefined) return Promise.resolve(undefined);
  const object = objectKey({ kind: "AuthorizationPolicy", ...rule.policy });
  return mesh.locate(object, `spec.rules[${rule.rule}]`);
}

function decidingRule(reason: Reason): NamedRule | undefined {
  switch (reason.kind) {
    case "rule":
    case "provider":
      return reason.rule;
    case "open":
      return reason.rules.length === 1 ? reason.rules[0] : undefined;
    default:
      return undefined;
  }
}
