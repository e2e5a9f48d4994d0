// Istio's task "Fault Injection": a delay that finds a bug in bookinfo, its cure, and an abort.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import { say, viewPage } from "./bookinfo.ts";
import type { TaskMesh } from "./task-mesh.ts";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryFaultInjection(tasksOf: () => TaskMesh): void {
  test("1-delay: Jason's page gives up on reviews after 6 seconds; others wait for nothing", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("request-routing/1-all-v1", "request-routing/2-reviews-by-user");
    await tasks.apply("fault-injection/1-delay");
    const jason = await eventually(async () => {
      const page = await viewPage(tasks, "jason");
      assert.equal(page.missing, "reviews", say(page));
      return page;
    });
    assert(jason.ms >= 5_900 && jason.ms < 7_000, say(jason));
    const anybody = await viewPage(tasks);
    assert.deepEqual([anybody.version, anybody.missing], ["v1", "nothing"]);
    assert(anybody.ms < 3_000, say(anybody));
    t.diagnostic(`jason: ${say(jason)}; anybody: ${say(anybody)}`);
  });

  test("2-shorter-delay, with v3 of reviews: the page comes with stars, 2 seconds late", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("traffic-shifting/2-all-v3", "fault-injection/2-shorter-delay");
    const page = await eventually(async () => {
      const jason = await viewPage(tasks, "jason");
      assert.deepEqual([jason.version, jason.stars, jason.missing], ["v3", "red", "nothing"], say(jason));
      // With the delay of the step before, the page has them by its second attempt.
      assert(jason.ms >= 1_990 && jason.ms < 3_000, say(jason));
      return jason;
    });
    t.diagnostic(`jason: ${say(page)}`);
  });

  test("3-abort: Jason's page says at once that ratings are unavailable", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("request-routing/2-reviews-by-user", "fault-injection/3-abort");
    const page = await eventually(async () => {
      const jason = await viewPage(tasks, "jason");
      assert.deepEqual([jason.version, jason.missing], ["v2", "ratings"], say(jason));
      return jason;
    });
    assert(page.ms < 2_000, say(page));
    const anybody = await viewPage(tasks);
    assert.deepEqual([anybody.version, anybody.missing], ["v1", "nothing"]);
    t.diagnostic(`jason: ${say(page)}; anybody: ${say(anybody)}`);
  });
}
