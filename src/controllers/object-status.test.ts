import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { objectKey } from "../core/object-key.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { startObjectStatus } from "./object-status.ts";

const reviews = objectKey({ kind: "VirtualService", namespace: "shop", name: "reviews" });

/** Objects are looked at, and nothing is known of them, so that nothing is written. */
function start(t: TestContext, news: () => Promise<string>) {
  const clock = new ManualClock(1_000_000);
  const looks = { count: 0 };
  const client = createApiClient(new TestApiServer().endpoint(), { clock, userAgent: "test" });
  const writer = startObjectStatus({
    client,
    clock,
    random: () => 0,
    log: silentLogger,
    keys: () => [reviews],
    news,
    factsOf: async () => {
      looks.count += 1;
      return undefined;
    },
  });
  t.after(() => {
    writer.close();
    client.close();
  });
  const pass = async (durationMs: number) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
      clock.advance(100);
      for (let count = 0; count < 10; count += 1) await turn();
    }
  };
  return { looks, pass, writer };
}

test("startObjectStatus() looks at all objects once for each news", async (t) => {
  let news = "first";
  const { looks, pass } = start(t, async () => news);
  await pass(10_000);
  assert.equal(looks.count, 1);
  news = "second";
  await pass(10_000);
  assert.equal(looks.count, 2);
});

test("startObjectStatus() looks at what was touched, news or not", async (t) => {
  const { looks, pass, writer } = start(t, async () => "always the same");
  await pass(2_000);
  writer.touch(reviews);
  await pass(2_000);
  assert.equal(looks.count, 2);
});

test("startObjectStatus() asks again where nobody tells the news", async (t) => {
  let isDown = true;
  const { looks, pass } = start(t, async () => {
    if (isDown) throw new Error("no answer");
    return "news";
  });
  await pass(10_000);
  assert.equal(looks.count, 0);
  isDown = false;
  await pass(10_000);
  assert.equal(looks.count, 1);
});
