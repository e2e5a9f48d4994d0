// The verdict of a sidecar on a call that reaches it: which filter chain takes it in, and what the chain's filters say.

import type { Call } from "./call.ts";
import { type DecisionOptions, decideCall } from "./decide-call.ts";
import type { Decision } from "./decision.ts";
import { type EnforcingChain, enforcingChain, hasInboundListener } from "./enforcing-chain.ts";
import type { ReceivedConfig } from "./received-config.ts";
import { known } from "./truth.ts";

/** A caller of the mesh comes by mTLS wherever the port takes it, else as everybody else. */
export function decideAtSidecar(config: ReceivedConfig, call: Call, options: DecisionOptions): Decision {
  if (!hasInboundListener(config)) return { verdict: "depends", reason: { kind: "no-listener" }, steps: [] };
  const speaks = call.request === undefined ? "bytes" : "http";
  const chainFor = (isMutualTls: boolean) =>
    enforcingChain(config, { port: call.destinationPort, isMutualTls, speaks });
  const mutual = call.peer.kind === "certificate" ? chainFor(true) : undefined;
  if (mutual?.isMutualTls) return decideCall(mutual, asked(call, mutual), options);
  const plaintext = chainFor(false);
  if (plaintext === undefined) {
    return { verdict: "denied", reason: { kind: "mutual-tls-only" }, steps: [] };
  }
  const anonymous: Call = { ...call, peer: { kind: "anonymous" }, serverName: known("") };
  return decideCall(plaintext, asked(anonymous, plaintext), options);
}

/** Where the port speaks HTTP, its requests are decided on, each by itself: of a connection none is known. */
function asked(call: Call, { speaks }: EnforcingChain): Call {
  if (call.request !== undefined || speaks === "bytes") return call;
  const request = { method: undefined, authority: undefined, path: undefined, headers: undefined };
  return { ...call, request };
}
