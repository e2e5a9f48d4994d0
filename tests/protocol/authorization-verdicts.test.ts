// What `meltemi authz` works out from filters is what was written by hand, what the reference evaluator says of the
// policies themselves, and so what a real Envoy decides (authorization.test.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import { createCredentials } from "./authorization/credentials.ts";
import type { Place } from "./authorization/enforcing-envoy.ts";
import { byAction, byProvider } from "./authorization/hand-picked/actions.ts";
import { overTcp } from "./authorization/hand-picked/connections.ts";
import { byOperation, byToken } from "./authorization/hand-picked/requests.ts";
import { byAddress, bySource } from "./authorization/hand-picked/sources.ts";
import { callOf, policiesOf } from "./authorization/policy-set.ts";
import { workingOut } from "./authorization/working-out.ts";

const place: Place = { addresses: ["127.3.0.1", "127.3.0.2"], httpPorts: [8080, 8081], tcpPort: 9000 };

test("verdicts from filters are those of the policies", async () => {
  const credentials = await createCredentials();
  const counts = { allowed: 0, denied: 0, depends: 0 };
  const wrong: string[] = [];
  for (const { name, policies, allowed, denied } of [
    ...[...bySource, ...byAddress, ...byOperation, ...byToken, ...byAction, ...byProvider, ...overTcp],
  ]) {
    const set = { place, policies: policiesOf(typeof policies === "function" ? policies(place) : policies) };
    const workOut = workingOut(set, credentials);
    for (const part of [...allowed, ...denied]) {
      const found = workOut(callOf(part, place));
      if (found === undefined) continue;
      counts[found.decision.verdict] += 1;
      if (found.fault !== undefined) wrong.push(`${name}: ${found.fault}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(counts.allowed > 100 && counts.denied > 100 && counts.depends > 5, JSON.stringify(counts));
  assert.ok(counts.depends < 60, JSON.stringify(counts));
});
