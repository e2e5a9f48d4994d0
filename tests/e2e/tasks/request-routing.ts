// Istio's task "Request Routing": all requests to v1, then by the user.

import assert from "node:assert/strict";
import { test } from "node:test";
import { countVersions, say, untilVersionsAre, viewPage } from "./bookinfo.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryRequestRouting(tasksOf: () => TaskMesh): void {
  test("without rules, the three versions of reviews take turns", async (t) => {
    const tasks = tasksOf();
    await untilVersionsAre(tasks, ["v1", "v2", "v3"]);
    t.diagnostic(`100 pages: ${JSON.stringify(await countVersions(tasks))}`);
  });

  test("1-all-v1: no page has stars", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("request-routing/1-all-v1");
    await untilVersionsAre(tasks, ["v1"]);
    const counts = await countVersions(tasks);
    assert.deepEqual(counts, { v1: 100 });
    t.diagnostic(`100 pages: ${JSON.stringify(counts)}; ${say(await viewPage(tasks))}`);
  });

  test("2-reviews-by-user: Jason sees black stars, everybody else none", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("request-routing/2-reviews-by-user");
    await untilVersionsAre(tasks, ["v2"], { user: "jason" });
    assert.deepEqual(await countVersions(tasks, { user: "jason" }), { v2: 100 });
    assert.deepEqual(await countVersions(tasks), { v1: 100 });
    assert.deepEqual(await countVersions(tasks, { user: "anna", count: 20 }), { v1: 20 });
    const [jason, anybody] = [await viewPage(tasks, "jason"), await viewPage(tasks)];
    assert.deepEqual([jason.stars, anybody.stars], ["black", "no"]);
    t.diagnostic(`jason: ${say(jason)}; anybody: ${say(anybody)}`);
  });
}
