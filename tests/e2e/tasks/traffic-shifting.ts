// Istio's task "Traffic Shifting": half of the requests to another version, then all.

import assert from "node:assert/strict";
import { test } from "node:test";
import { countVersions, untilVersionsAre } from "./bookinfo.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryTrafficShifting(tasksOf: () => TaskMesh): void {
  test("1-half-v3: half of the pages have red stars", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("request-routing/1-all-v1");
    await untilVersionsAre(tasks, ["v1"]);
    await tasks.apply("traffic-shifting/1-half-v3");
    await untilVersionsAre(tasks, ["v1", "v3"]);
    const counts = await countVersions(tasks, { count: 200 });
    assert.deepEqual(Object.keys(counts).sort(), ["v1", "v3"]);
    const { v3 = 0 } = counts;
    // Five standard deviations.
    assert(Math.abs(v3 - 100) <= 35, JSON.stringify(counts));
    t.diagnostic(`200 pages: ${JSON.stringify(counts)}`);
  });

  test("2-all-v3: every page has red stars", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("traffic-shifting/2-all-v3");
    await untilVersionsAre(tasks, ["v3"]);
    const counts = await countVersions(tasks);
    assert.deepEqual(counts, { v3: 100 });
    t.diagnostic(`100 pages: ${JSON.stringify(counts)}`);
  });
}
