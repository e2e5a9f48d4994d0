import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestApiServer } from "../../../tests/support/api-server.ts";
import { ManualClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import { podKind } from "../../kinds/pod/pod.ts";
import { createApiClient } from "../../kubernetes/api-client.ts";
import { resourceOfKind, resourcePath } from "../../kubernetes/api-resource.ts";
import { followCollection } from "./follow-collection.ts";

const resource = resourceOfKind(podKind);
const PODS = resourcePath(resource);

const podNamed = (name: string) => ({ kind: "Pod", apiVersion: "v1", metadata: { name, namespace: "shop" } });

/** A server whose pods are followed, and by how much the clock must move until a pod is told. */
async function follow(t: TestContext) {
  const server = new TestApiServer();
  await server.start();
  server.define(PODS);
  const clock = new ManualClock(1_000_000);
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  const stop = new AbortController();
  const told: string[] = [];
  void followCollection(
    { resource },
    {
      client,
      clock,
      random: () => 0.99,
      log: silentLogger,
      signal: stop.signal,
      replica: new Map(),
      ingest: ({ kind = "", apiVersion = "", metadata }) => ({ object: { kind, apiVersion, metadata } }),
      onChange: ({ upserts }) => told.push(...upserts.map(({ object }) => object.metadata.name)),
      onSynced: () => undefined,
    },
  );
  t.after(async () => {
    stop.abort();
    client.close();
    await server.stop();
  });
  /** The clock moves only while nothing else happens. */
  const pass = async (limitMs: number, isOver: () => boolean = () => false) => {
    const startedMs = clock.now();
    while (clock.now() - startedMs < limitMs && !isOver()) {
      await new Promise((resolve) => setTimeout(resolve, 4));
      if (!isOver()) clock.advance(100);
    }
    return clock.now() - startedMs;
  };
  const untilTold = async (name: string, limitMs: number) => {
    const passedMs = await pass(limitMs, () => told.includes(name));
    assert.ok(told.includes(name), `nothing was told of ${name} within ${limitMs} ms`);
    return passedMs;
  };
  await pass(10_000, () => server.watchCount === 1);
  return { server, pass, untilTold };
}

test("followCollection() tells an edit within seconds after a long outage", async (t) => {
  const { server, pass, untilTold } = await follow(t);
  await server.stop();
  await pass(38_000);
  server.put(PODS, podNamed("after"));
  await server.start();
  await untilTold("after", 3_500);
});

test("followCollection() is patient anew with a server that refuses while it starts", async (t) => {
  const { server, pass, untilTold } = await follow(t);
  await server.stop();
  await pass(38_000);
  server.put(PODS, podNamed("after"));
  server.intercept = () => ({ status: 403, body: { kind: "Status", reason: "Forbidden" } });
  await server.start();
  const before = server.requests.length;
  await pass(10_000, () => server.requests.length > before + 1);
  server.intercept = () => undefined;
  await untilTold("after", 3_500);
});
