import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
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

test("startObjectStatus() writes when a verdict changes, and looks on only while a proxy has yet to answer", async (t) => {
  const server = new TestApiServer();
  await server.start();
  let status: unknown;
  const written: string[] = [];
  server.intercept = ({ method }, body) => {
    if (method === "PATCH") {
      ({ status } = body as { status: unknown });
      written.push(JSON.stringify(status));
    }
    const metadata = { name: "reviews", namespace: "shop", generation: 1 };
    return {
      status: 200,
      body: { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata, status },
    };
  };
  const counts = { proxyCount: 2, acknowledgedCount: 1 };
  let looks = 0;
  let news = "first";
  const clock = new ManualClock(1_000_000);
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  const writer = startObjectStatus({
    ...{ client, clock, random: () => 0, log: silentLogger, keys: () => [reviews] },
    news: async () => news,
    factsOf: async () => {
      looks += 1;
      return { generation: 1, isInForce: true, problems: [], refusedCount: 0, reasons: "", ...counts };
    },
  });
  t.after(async () => {
    writer.close();
    client.close();
    await server.stop();
  });
  const until = async (what: string, isSo: () => boolean) => {
    for (let count = 0; !isSo(); count += 1) {
      assert.ok(count < 2_000, what);
      clock.advance(100);
      await sleep(1);
    }
  };
  await until("one of two has it", () => written.at(-1)?.includes("1 of 2 proxies") === true);
  counts.acknowledgedCount = 2;
  await until(
    "both have it, and nobody told",
    () => written.at(-1)?.includes("all proxies have it") === true,
  );
  const requestCount = server.requests.length;
  // A third comes: first it has yet to answer, then it has.
  counts.proxyCount = 3;
  news = "second";
  let before = looks;
  await until("looked because of news, then because it is unsettled", () => looks > before + 3);
  counts.acknowledgedCount = 3;
  before = looks;
  await until("looked once more", () => looks > before);
  before = looks;
  for (let count = 0; count < 50; count += 1) {
    clock.advance(100);
    await sleep(1);
  }
  assert.equal(looks, before, "a settled object is looked at without news");
  assert.equal(server.requests.length, requestCount, "the API server is asked of what a pod changes");
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
