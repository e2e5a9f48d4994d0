// Some seconds of hostile reviews for the webhook and hostile packets for the name servers; `npm run bench -- fuzz
// --what webhook` and `--what dns` go on for longer. A seed that found something finds it again: MELTEMI_FUZZ_SEED.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzNameServers } from "../../bench/fuzz/fuzz-name-servers.ts";
import { fuzzWebhook } from "../../bench/fuzz/fuzz-webhook.ts";

const DURATION_MS = 6_000;
const MAX_RSS_MB = 900;
/** What a review costs at most while a test machine is busy; the API server waits for ten seconds. */
const MAX_REVIEW_MS = 8_000;
const MAX_ANSWER_BYTES = 40_000;

const seed = Number(process.env.MELTEMI_FUZZ_SEED ?? Date.now() % 1_000_000);

test("hostile reviews are answered, in little, and keep no good one waiting", async () => {
  const figures = await fuzzWebhook({ seed, durationMs: DURATION_MS });
  console.log(`fuzz seed ${seed}: ${JSON.stringify(figures)}`);
  assert.deepEqual(figures.errors, [], `seed ${seed}`);
  assert.deepEqual(
    Object.keys(figures.countsByStatus).filter((status) => !["200", "400", "413"].includes(status)),
    [],
    `seed ${seed}`,
  );
  assert.ok((figures.countsByStatus["200"] ?? 0) > 10, JSON.stringify(figures));
  assert.ok(figures.slowestMs < MAX_REVIEW_MS, `seed ${seed}: ${figures.slowestMs} ms`);
  assert.ok(
    figures.longestAnswerBytes < MAX_ANSWER_BYTES,
    `seed ${seed}: ${figures.longestAnswerBytes} bytes`,
  );
  assert.ok(figures.peakRssMb < MAX_RSS_MB, `seed ${seed}: ${figures.peakRssMb} MB`);
  assert.equal(Object.hasOwn(Object.prototype, "a"), false, "no prototype was written to");
});

test("hostile DNS packets keep no good question from its answer", async () => {
  const figures = await fuzzNameServers({ seed, durationMs: DURATION_MS });
  console.log(`fuzz seed ${seed}: ${JSON.stringify(figures)}`);
  assert.deepEqual(figures.errors, [], `seed ${seed}`);
  assert.ok(figures.answeredCount > 4, JSON.stringify(figures));
});
