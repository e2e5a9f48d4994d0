// What `meltemi authz` works out from filters is what was written by hand, what the reference evaluator says of the
// policies themselves, and so what a real Envoy decides (authorization.test.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Peer, Call as SeenCall } from "../../src/explain/call.ts";
import { decideCall } from "../../src/explain/decide-call.ts";
import type { Decision } from "../../src/explain/decision.ts";
import { known } from "../../src/explain/truth.ts";
import { httpChain, tcpChain } from "../support/call-fixture.ts";
import { type Call, identityText } from "./authorization/call.ts";
import { createCredentials } from "./authorization/credentials.ts";
import type { Place } from "./authorization/enforcing-envoy.ts";
import { ISSUERS } from "./authorization/enforcing-listener.ts";
import { evaluate, type Verdict } from "./authorization/evaluator.ts";
import { byAction, byProvider } from "./authorization/hand-picked/actions.ts";
import { overTcp } from "./authorization/hand-picked/connections.ts";
import { byOperation, byToken } from "./authorization/hand-picked/requests.ts";
import { byAddress, bySource } from "./authorization/hand-picked/sources.ts";
import { CONTEXT, callOf, inputsOf, type PolicySet, policiesOf } from "./authorization/policy-set.ts";

const place: Place = { addresses: ["127.3.0.1", "127.3.0.2"], httpPorts: [8080, 8081], tcpPort: 9000 };
const nowSeconds = 1_800_000_000;

test("verdicts from filters are those of the policies", async () => {
  const credentials = await createCredentials();
  const counts = { allowed: 0, denied: 0, depends: 0 };
  const wrong: string[] = [];
  for (const { name, policies, allowed, denied } of [
    ...[...bySource, ...byAddress, ...byOperation, ...byToken, ...byAction, ...byProvider, ...overTcp],
  ]) {
    const set = { place, policies: policiesOf(typeof policies === "function" ? policies(place) : policies) };
    const issuers = ISSUERS.map((issuer) => ({ rule: { issuer }, jwks: credentials.jwks }));
    const chains = {
      http: httpChain(inputsOf(set), issuers),
      peer: tcpChain(inputsOf(set)),
      anybody: tcpChain(inputsOf(set), false),
    };
    for (const part of [...allowed, ...denied]) {
      const call = callOf(part, place);
      if (isTlsWithoutIdentity(call)) continue;
      const seen = seenCall(call, call.claims && credentials.tokenOf(call.claims));
      const ofConnections = seen.peer.kind === "certificate" ? chains.peer : chains.anybody;
      const decision = decideCall(call.transport === "http" ? chains.http : ofConnections, seen, {
        nowSeconds,
      });
      counts[decision.verdict] += 1;
      const wanted = wantedOf(set, call);
      if (!wanted.includes(decision.verdict) && !needsOthersMetadata(decision)) {
        wrong.push(JSON.stringify({ name, call, wanted, decision }));
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(counts.allowed > 100 && counts.denied > 100 && counts.depends > 5, JSON.stringify(counts));
  assert.ok(counts.depends < 60, JSON.stringify(counts));
});

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
