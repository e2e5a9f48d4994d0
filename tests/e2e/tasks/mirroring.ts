// Istio's task "Mirroring": v1 answers, and v2 gets a copy of each request.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryMirroring(tasksOf: () => TaskMesh): void {
  test("1-all-v1: v1 logs the requests, v2 none", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("mirroring/1-all-v1");
    await untilOnlyV1(tasks);
    const path = "/headers?step=1";
    await send(tasks, path, 10);
    const counts = await logged(tasks, path);
    assert.deepEqual(counts, { v1: 10, v2: 0 });
    t.diagnostic(`logged of 10 requests: ${JSON.stringify(counts)}`);
  });

  test("2-mirror: v1 and v2 log each request, v2 under the name of a shadow", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("mirroring/2-mirror");
    await eventually(async () => {
      await send(tasks, "/headers?is=mirrored", 1);
      assert((await logged(tasks, "/headers?is=mirrored")).v2 > 0);
    });
    const path = "/headers?step=2";
    await send(tasks, path, 10);
    const counts = await eventually(async () => {
      const both = await logged(tasks, path);
      assert.deepEqual(both, { v1: 10, v2: 10 });
      return both;
    });
    const line = await eventually(async () => {
      const lines = await tasks.mesh.logs("httpbin-v2", "istio-proxy");
      const shadow = lines.find(({ text }) => text.includes(`"GET ${path} `));
      assert.match(shadow?.text ?? "", /"httpbin-shadow:8000"/);
      return shadow?.text;
    });
    t.diagnostic(`logged of 10 requests: ${JSON.stringify(counts)}; by v2's proxy: ${line}`);
  });
}

async function send(tasks: TaskMesh, path: string, count: number): Promise<void> {
  const client = await tasks.client("default/curl");
  const { byStatus } = await client.many(count, { url: `http://httpbin:8000${path}`, concurrency: 1 });
  assert.deepEqual(byStatus, { 200: count });
}

/** v2 is asked too for as long as the rule isn't in force. */
async function untilOnlyV1(tasks: TaskMesh): Promise<void> {
  await eventually(async () => {
    const path = `/headers?try=${Math.random()}`;
    await send(tasks, path, 20);
    const { v1, v2 } = await logged(tasks, path);
    assert.deepEqual([v1, v2], [20, 0]);
  });
}

async function logged({ mesh }: TaskMesh, path: string): Promise<{ v1: number; v2: number }> {
  const countOf = async (workload: string) =>
    (await mesh.logs(workload, "httpbin")).filter(({ text }) => text.includes(`"GET ${path} `)).length;
  return { v1: await countOf("httpbin-v1"), v2: await countOf("httpbin-v2") };
}
