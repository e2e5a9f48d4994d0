// AuthorizationPolicies in a real Envoy: what it decides is what was written by hand, and on random policies what the
// reference evaluator says and what `meltemi authz` works out from the filters.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Call, identityText } from "./authorization/call.ts";
import { coverageOf, type Trial } from "./authorization/coverage.ts";
import { createCredentials } from "./authorization/credentials.ts";
import { freePlaces, type Place, startEnforcingEnvoy } from "./authorization/enforcing-envoy.ts";
import { evaluate, type Verdict } from "./authorization/evaluator.ts";
import { byAction, byProvider } from "./authorization/hand-picked/actions.ts";
import { overTcp } from "./authorization/hand-picked/connections.ts";
import type { HandPicked } from "./authorization/hand-picked/hand-picked.ts";
import { byOperation, byToken } from "./authorization/hand-picked/requests.ts";
import { byAddress, bySource } from "./authorization/hand-picked/sources.ts";
import { CONTEXT, callOf, inputsOf, policiesOf } from "./authorization/policy-set.ts";
import { randomCall, randomOf, randomPolicies } from "./authorization/random-policies.ts";
import { workingOut } from "./authorization/working-out.ts";
import { findEnvoy } from "./envoy-process.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

const handPicked: readonly HandPicked[] = [
  ...[...bySource, ...byAddress, ...byOperation, ...byToken],
  ...[...byAction, ...byProvider, ...overTcp],
];

test("Envoy and the evaluator decide as was written by hand", { skip }, async (t) => {
  const places = await freePlaces(handPicked.length);
  const trials = handPicked.flatMap((each, index) => trialsOf(each, places[index] as Place));
  assert.ok(trials.length >= 300, `${trials.length} trials`);
  const wrong = trials.filter(({ set, call, wanted }) => evaluate(set.policies, call, CONTEXT) !== wanted);
  assert.deepEqual(wrong.map(describe), []);
  const sets = [...new Set(trials.map(({ set }) => set))];
  const { ask } = await startEnforcingEnvoy(
    t,
    sets.map((set) => ({ place: set.place, inputs: inputsOf(set) })),
  );
  assert.deepEqual(await differences(trials, ask), []);
});

const RANDOM = { setCount: 105, callsOfSet: 20, seed: Number(process.env.MELTEMI_SEED ?? 20261130) };

test("Envoy, the evaluator and `can-i` decide alike on random policies", { skip }, async (t) => {
  const places = await freePlaces(RANDOM.setCount);
  const random = randomOf(RANDOM.seed);
  const sets = places.map((place) => ({ place, policies: policiesOf(randomPolicies(random, place)) }));
  const trials = sets.flatMap((set) =>
    Array.from({ length: RANDOM.callsOfSet }, (): Trial => {
      const call = callOf(randomCall(random), set.place);
      return { name: `seed ${RANDOM.seed}`, set, call, wanted: evaluate(set.policies, call, CONTEXT) };
    }),
  );
  const coverage = coverageOf(trials);
  t.diagnostic(`${trials.length} trials: ${JSON.stringify(coverage.counts)}`);
  assert.ok(trials.length >= 2000);
  assert.deepEqual(coverage.missing, []);
  const workedOut = await workOut(trials);
  t.diagnostic(`worked out: ${JSON.stringify(workedOut.counts)}`);
  assert.deepEqual(workedOut.faults, []);
  const { allowed, denied, depends } = workedOut.counts;
  assert.ok(Math.min(allowed, denied) > 400 && depends < trials.length / 4, "most are decided by policies");
  const { ask } = await startEnforcingEnvoy(
    t,
    sets.map((set) => ({ place: set.place, inputs: inputsOf(set) })),
  );
  assert.deepEqual(await differences(trials, ask), []);
});

/** What `can-i` says, how often, and where that isn't what was wanted. */
async function workOut(trials: readonly Trial[]) {
  const credentials = await createCredentials();
  const counts = { allowed: 0, denied: 0, depends: 0 };
  const faults: string[] = [];
  for (const set of new Set(trials.map((trial) => trial.set))) {
    const decide = workingOut(set, credentials);
    for (const { call } of trials.filter((trial) => trial.set === set)) {
      const found = decide(call);
      if (found === undefined) continue;
      counts[found.decision.verdict] += 1;
      if (found.fault !== undefined) faults.push(`${found.fault} ${JSON.stringify(set.policies)}`);
    }
  }
  return { counts, faults };
}

function trialsOf({ name, policies, allowed, denied }: HandPicked, place: Place): readonly Trial[] {
  const written = typeof policies === "function" ? policies(place) : policies;
  const set = { place, policies: policiesOf(written) };
  const wanted = (verdict: Verdict) => (part: (typeof allowed)[number]) => ({
    ...{ name, set, wanted: verdict },
    call: callOf(part, place),
  });
  return [...allowed.map(wanted("allowed")), ...denied.map(wanted("denied"))];
}

const PARALLEL_CALLS = 16;

/** What Envoy decides otherwise than wanted. */
async function differences(
  trials: readonly Trial[],
  ask: (call: Call) => Promise<Verdict>,
): Promise<readonly string[]> {
  const found: string[] = [];
  const rest = [...trials];
  async function work(): Promise<void> {
    for (let trial = rest.pop(); trial !== undefined; trial = rest.pop()) {
      const verdict = await ask(trial.call);
      if (verdict !== trial.wanted) found.push(`${verdict} by Envoy: ${describe(trial)}`);
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_CALLS }, work));
  return found;
}

function describe({ name, set, call, wanted }: Trial): string {
  const identity = typeof call.identity === "object" ? identityText(call.identity) : call.identity;
  const policies = set.policies.map(({ spec }) => spec);
  return JSON.stringify({ name, wanted, call: { ...call, identity }, policies });
}
