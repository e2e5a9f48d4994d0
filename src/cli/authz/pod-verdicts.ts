// Asks the Envoy of each pod what it was sent, and what that comes to for a call.

import { isIP } from "node:net";
import type { Mesh } from "../../admin/contract/mesh.ts";
import { objectKey } from "../../core/object-key.ts";
import type { Call, HttpRequest, Peer } from "../../explain/call.ts";
import type { Decision, NamedRule, Reason } from "../../explain/decision.ts";
import type { ReceivedConfig } from "../../explain/received-config.ts";
import { known } from "../../explain/truth.ts";
import { type AskedCall, withoutTlsRequest } from "./asked-call.ts";
import type { CalledPod } from "./called-pods.ts";
import type { Caller } from "./caller.ts";
import { hasProxy, isGateway } from "./mesh-pods.ts";

export interface PodVerdict {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  readonly verdict: Decision["verdict"];
  readonly reason: Reason | { readonly kind: "no-proxy" };
  /** Of the rule that decides, as `file:line`, where the mesh knows it. */
  readonly location?: string;
  readonly steps: Decision["steps"];
  /** At a gateway, what the route is made of. */
  readonly route?: string;
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
  const { readReceivedConfig } = await import("../../explain/received-config.ts");
  const config = readReceivedConfig(await mesh.envoy({ namespace, name }, "/config_dump"));
  const receiver = { ip: pod.status?.podIP, port, trustDomain: config.trustDomain };
  const decision = await (isGateway(pod)
    ? decideAtEdge(config, receiver, question)
    : decideInside(config, receiver, question));
  const location = await locationOf(mesh, decision.reason);
  return { ...place, ...decision, ...(location === undefined ? {} : { location }) };
}

async function decideInside(
  config: ReceivedConfig,
  receiver: Receiver,
  question: CallQuestion,
): Promise<Decision> {
  const { decideAtSidecar } = await import("../../explain/decide-at-sidecar.ts");
  const call = withoutTlsRequest(question.call);
  return decideAtSidecar(config, callOf({ ...question, call }, receiver), question);
}

/** Who speaks TLS to a gateway names the host that it calls, unless it is said otherwise. */
async function decideAtEdge(
  config: ReceivedConfig,
  receiver: Receiver,
  question: CallQuestion,
): Promise<Decision> {
  const { decideAtGateway } = await import("../../explain/decide-at-gateway.ts");
  const { call, nowSeconds, serverName } = question;
  const isTls = call.tlsRequest !== undefined;
  const named = serverName ?? (isTls && isIP(call.host) === 0 ? call.host : undefined);
  const { tlsRequest: request = call.request, ...rest } = call;
  const opened = { ...rest, ...(request && { request }) };
  return decideAtGateway(config, callOf({ ...question, call: opened, serverName: named }, receiver), {
    isTls,
    nowSeconds,
  });
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
