import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { startPodReplacement } from "./pod-replacement.ts";

const replicaSet = (name: string) => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name,
  uid: "r",
  controller: true,
});

function podOf(name: string, owner?: string): Pod {
  const metadata = { name, namespace: "edge", uid: `uid-${name}` };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: owner === undefined ? metadata : { ...metadata, ownerReferences: [replicaSet(owner)] },
    spec: { containers: [{ name: "istio-proxy", image: "auto" }] },
  } as Pod;
}

test("startPodReplacement() deletes pods that have a controller, and no other of their names", async (t) => {
  const { deletions, pods, tell, until } = await start(t);
  pods.push(podOf("one", "gateway"), podOf("two", "gateway"), podOf("by-hand"));
  tell();
  await until(() => deletions.length === 2);
  assert.deepEqual(deletions, [
    { path: "/api/v1/namespaces/edge/pods/one", uid: "uid-one" },
    { path: "/api/v1/namespaces/edge/pods/two", uid: "uid-two" },
  ]);
});

test("startPodReplacement() waits longer and longer with a controller whose pods come too early again", async (t) => {
  const { clock, deletions, pods, tell, until } = await start(t);
  const atMs: number[] = [];
  for (let count = 1; count <= 4; count++) {
    pods.splice(0, 1, podOf(`gateway-${count}`, "gateway"));
    tell();
    await until(() => deletions.length >= count);
    atMs.push(clock.now());
    pods.splice(0, 1);
  }
  const waits = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0));
  assert.ok(
    waits.every((wait, index) => wait >= 1_500 * 2 ** index && wait <= 2_500 * 2 ** index),
    waits.join(),
  );
});

test("startPodReplacement() tries again where it may not delete, seldom", async (t) => {
  const { clock, deletions, pods, server, tell, until } = await start(t);
  const accept = server.intercept;
  let refusedCount = 0;
  server.intercept = ({ method }) => {
    if (method !== "DELETE") return undefined;
    refusedCount++;
    return { status: 403 };
  };
  pods.push(podOf("gateway-1", "gateway"));
  tell();
  const startedMs = clock.now();
  await until(() => refusedCount === 4);
  assert.ok(clock.now() - startedMs >= 10_000);
  server.intercept = accept;
  await until(() => deletions.length === 1);
});

async function start(t: TestContext) {
  const server = new TestApiServer();
  await server.start();
  server.define("/api/v1/pods");
  const deletions: { path: string; uid: string | undefined }[] = [];
  server.intercept = ({ method, path }, body) => {
    if (method !== "DELETE") return undefined;
    const { preconditions } = body as { readonly preconditions?: { readonly uid: string } };
    deletions.push({ path, uid: preconditions?.uid });
    return { status: 200, body: {} };
  };
  const clock = new ManualClock(1_000_000);
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  const pods: Pod[] = [];
  let tell: () => void = () => undefined;
  const end = startPodReplacement({
    client,
    clock,
    random: () => 0.75,
    log: silentLogger,
    pods: () => pods,
    watchPods: (listener) => {
      tell = listener;
      return () => undefined;
    },
  });
  t.after(async () => {
    end();
    client.close();
    await server.stop();
  });
  const until = async (isTrue: () => boolean) => {
    for (const limit = Date.now() + 10_000; !isTrue(); ) {
      if (Date.now() > limit) throw new Error(`Never came true: ${isTrue}`);
      await new Promise((resolve) => setTimeout(resolve, 3));
      if (!isTrue()) clock.advance(50);
    }
  };
  return { server, deletions, pods, clock, until, tell: () => tell() };
}
