// Istio's task "Request Timeouts": slow ratings, and reviews that have half a second to answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import { say, untilVersionsAre, viewPage } from "./bookinfo.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryRequestTimeouts(tasksOf: () => TaskMesh): void {
  test("2-slow-ratings: the page has its stars, 2 seconds late", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("request-routing/1-all-v1", "request-timeouts/1-reviews-v2");
    await untilVersionsAre(tasks, ["v2"]);
    await tasks.apply("request-timeouts/2-slow-ratings");
    const page = await eventually(async () => {
      const slow = await viewPage(tasks);
      assert(slow.ms >= 1_990, say(slow));
      return slow;
    });
    assert.deepEqual([page.version, page.stars, page.missing], ["v2", "black", "nothing"], say(page));
    t.diagnostic(say(page));
  });

  test("3-timeout: the page comes after twice half a second, without reviews", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("request-timeouts/3-timeout");
    const page = await eventually(async () => {
      const late = await viewPage(tasks);
      assert.equal(late.missing, "reviews", say(late));
      return late;
    });
    assert(page.ms >= 990 && page.ms < 1_900, say(page));
    t.diagnostic(say(page));
  });
}
