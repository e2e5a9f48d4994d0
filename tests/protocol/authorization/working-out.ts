// What `meltemi authz` works out of a call from the filters of a set of policies, and what it should.

import type { Peer, Call as SeenCall } from "../../../src/explain/call.ts";
import { decideCall } from "../../../src/explain/decide-call.ts";
import type { Decision } from "../../../src/explain/decision.ts";
import { known } from "../../../src/explain/truth.ts";
import { httpChain, tcpChain } from "../../support/call-fixture.ts";
import { type Call, identityText } from "./call.ts";
import type { Credentials } from "./credentials.ts";
import { ISSUERS } from "./enforcing-listener.ts";
import { evaluate, type Verdict } from "./evaluator.ts";
import { CONTEXT, inputsOf, type PolicySet } from "./policy-set.ts";

export interface WorkedOut {
  readonly decision: Decision;
  /** Undefined where it is what the policies say, as far as filters can tell. */
  readonly fault: string | undefined;
}

/** A function of calls; undefined for one that no workload of a mesh takes. */
export function workingOut(
  set: PolicySet,
  { jwks, tokenOf }: Pick<Credentials, "jwks" | "tokenOf">,
): (call: Call) => WorkedOut | undefined {
  const inputs = inputsOf(set);
  const issuers = ISSUERS.map((issuer) => ({ rule: { issuer }, jwks }));
  const chains = {
    http: httpChain(inputs, issuers),
    peer: tcpChain(inputs),
    anybody: tcpChain(inputs, false),
  };
  return (call) => {
    if (isTlsWithoutIdentity(call)) return undefined;
    const seen = seenCall(call, call.claims && tokenOf(call.claims));
    const ofConnections = seen.peer.kind === "certificate" ? chains.peer : chains.anybody;
    const chain = call.transport === "http" ? chains.http : ofConnections;
    const decision = decideCall(chain, seen, { nowSeconds: NOW_SECONDS });
    const wanted = wantedOf(set, call);
    const isRight = wanted.includes(decision.verdict) || needsOthersMetadata(decision);
    return { decision, fault: isRight ? undefined : JSON.stringify({ call, wanted, decision }) };
  };
}

const NOW_SECONDS = 1_800_000_000;

/** On connections the mesh takes plaintext or mTLS: who has no certificate names no server. */
function isTlsWithoutIdentity({ transport, identity, serverName }: Call): boolean {
  return transport === "tcp" && identity === "none" && serverName !== "";
}

/** Where the answer of a provider decides, it depends on that; where it doesn't, there may be no other verdict. */
function wantedOf({ policies }: PolicySet, call: Call): readonly Decision["verdict"][] {
  const saying = (allows: boolean): Verdict => {
    const providers = Object.entries(CONTEXT.providers).map(
      ([name, decider]) => [name, { ...decider, allows: () => allows }] as const,
    );
    return evaluate(policies, call, { ...CONTEXT, providers: Object.fromEntries(providers) });
  };
  const [one, other] = [saying(true), saying(false)];
  return one === other ? [one] : ["depends"];
}

/** What other filters say of a request isn't in the filters of policies. */
function needsOthersMetadata({ verdict, reason }: Decision): boolean {
  if (verdict !== "depends" || reason.kind !== "open") return false;
  return reason.needs.every((need) => need.startsWith("what the filter"));
}

function seenCall(call: Call, token: string | undefined): SeenCall {
  const headers = {
    ...call.headers,
    "x-forwarded-for": call.remoteAddress,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return {
    peer: peerOf(call.identity),
    sourceIp: known(call.sourceAddress),
    destinationIp: known(call.destinationAddress),
    destinationPort: call.destinationPort,
    serverName: known(call.serverName),
    ...(call.transport === "http" && {
      request: {
        method: known(call.method),
        authority: known(call.host),
        path: known(call.path),
        headers: known(new Map(Object.entries(headers))),
      },
    }),
  };
}

function peerOf(identity: Call["identity"]): Peer {
  if (identity === "none") return { kind: "anonymous" };
  const name = identity === "other" ? "CN=other" : `spiffe://${identityText(identity)}`;
  return { kind: "certificate", names: known([name]) };
}
