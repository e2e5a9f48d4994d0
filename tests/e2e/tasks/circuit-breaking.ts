// Istio's task "Circuit Breaking": one connection and one request in its queue, then more callers than that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

const URL_OF_HTTPBIN = "http://httpbin:8000/get";
const OVERFLOW =
  /^cluster\.outbound\|8000\|\|httpbin\.default\.svc\.cluster\.local;?\.upstream_rq_pending_overflow: (\d+)$/m;

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryCircuitBreaking(tasksOf: () => TaskMesh): void {
  test("without limits, thirty requests of three callers are served", async (t) => {
    const client = await tasksOf().client("fortio-deploy");
    await eventually(async () => assert.equal((await client.request(URL_OF_HTTPBIN)).status, 200));
    const { byStatus } = await client.many(30, { url: URL_OF_HTTPBIN, concurrency: 3 });
    assert.deepEqual(byStatus, { 200: 30 });
    t.diagnostic(JSON.stringify(byStatus));
  });

  test("1-limits: one caller is served, of three some are refused, and the sidecar counts them", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("circuit-breaking/1-limits");
    const client = await tasks.client("fortio-deploy");
    await eventually(async () => {
      const { byStatus } = await client.many(30, { url: URL_OF_HTTPBIN, concurrency: 3 });
      assert((byStatus[503] ?? 0) > 0, JSON.stringify(byStatus));
    });
    const alone = await client.many(10, { url: URL_OF_HTTPBIN, concurrency: 1 });
    assert.deepEqual(alone.byStatus, { 200: 10 });
    const overflowBefore = await overflowCount(tasks);
    const { byStatus } = await client.many(30, { url: URL_OF_HTTPBIN, concurrency: 3 });
    const overflow = (await overflowCount(tasks)) - overflowBefore;
    assert.deepEqual(Object.keys(byStatus).sort(), ["200", "503"]);
    assert.equal(overflow, byStatus[503]);
    t.diagnostic(`three callers: ${JSON.stringify(byStatus)}, upstream_rq_pending_overflow: ${overflow}`);
  });
}

async function overflowCount({ curl }: TaskMesh): Promise<number> {
  const { stdout } = await curl("fortio-deploy", "http://localhost:15000/stats");
  const [, count] = OVERFLOW.exec(stdout) ?? [];
  assert.ok(count !== undefined, "the sidecar's statistics have httpbin's overflow");
  return Number(count);
}
