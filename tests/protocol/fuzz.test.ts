// A minute of what hostile clients may send to our gRPC servers; `npm run bench -- fuzz` goes on for longer. A seed that
// found something finds it again: MELTEMI_FUZZ_SEED.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzServers } from "../../bench/fuzz/fuzz-servers.ts";

const MAX_HEAP_GROWTH_MB = 60;
const MAX_PEAK_RSS_MB = 600;

test("hostile clients end no server, hold no memory and keep nobody else from being served", async (t) => {
  const seed = Number(process.env.MELTEMI_FUZZ_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const figures = await fuzzServers({ seed, durationMs: 40_000, attackerCount: 8 });
  const { witness, heapMb, peakRssMb, attackCounts } = figures;
  console.log(`fuzz seed ${seed}: ${JSON.stringify({ witness, heapMb, peakRssMb })}`);
  assert.ok(Object.keys(attackCounts).length > 30, JSON.stringify(attackCounts));
  assert.deepEqual(figures.errors, [], `seed ${seed}`);
  assert.ok(heapMb.after - heapMb.before < MAX_HEAP_GROWTH_MB, `seed ${seed}: ${JSON.stringify(heapMb)}`);
  assert.ok(peakRssMb < MAX_PEAK_RSS_MB, `seed ${seed}: ${peakRssMb} MB`);
  assert.ok(witness.updates > 0);
});
