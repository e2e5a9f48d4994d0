// Istio's task "Locality Load Balancing": requests by weights of zones, then by nearness as zone after zone fails.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

const URL_OF_HELLOWORLD = "http://helloworld.sample:5000/hello";
const zones = ["region1.zone1", "region1.zone2", "region2.zone3", "region3.zone4"] as const;

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryLocalityLoadBalancing(tasksOf: () => TaskMesh): void {
  test("1-weights: zones get their shares", async (t) => {
    const tasks = tasksOf();
    await untilZonesAre(tasks, zones);
    await tasks.apply("locality-load-balancing/1-weights");
    await untilZonesAre(tasks, ["region1.zone1", "region1.zone2", "region3.zone4"]);
    const counts = await countZones(tasks, 500);
    const wanted = { "region1.zone1": 350, "region1.zone2": 100, "region3.zone4": 50 };
    for (const [zone, count] of Object.entries(wanted)) {
      // Five standard deviations.
      const tolerance = 5 * Math.sqrt(count * (1 - count / 500));
      assert(Math.abs((counts[zone] ?? 0) - count) <= tolerance, JSON.stringify(counts));
    }
    t.diagnostic(`500 requests: ${JSON.stringify(counts)}`);
  });

  test("2-failover: requests stay in the zone, then in the region, then go to region2, then anywhere", async (t) => {
    const tasks = tasksOf();
    await tasks.apply("locality-load-balancing/2-failover");
    for (const zone of zones) {
      await untilZonesAre(tasks, [zone]);
      const counts = await countZones(tasks, 50);
      assert.deepEqual(counts, { [zone]: 50 });
      t.diagnostic(`50 requests: ${JSON.stringify(counts)}; then drained`);
      const drain = ["-X", "POST", "http://127.0.0.1:15000/drain_listeners"] as const;
      const { stdout, stderr } = await tasks.curl(`sample/helloworld-${zone}`, ...drain);
      assert.equal(stdout, "OK\n", stderr);
    }
  });
}

function untilZonesAre(tasks: TaskMesh, wanted: readonly string[]): Promise<void> {
  return eventually(async () => {
    const counts = await countZones(tasks, 50);
    assert.deepEqual(Object.keys(counts).sort(), wanted);
  });
}

async function countZones(tasks: TaskMesh, count: number): Promise<Record<string, number>> {
  const client = await tasks.client("sample/curl");
  const counts: Record<string, number> = {};
  for (let left = count; left > 0; left -= 10) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.request(URL_OF_HELLOWORLD)));
    for (const { status, body } of answers) {
      const [, zone = `status ${status}`] = /^Hello version: (\S+), instance: /.exec(body) ?? [];
      counts[zone] = (counts[zone] ?? 0) + 1;
    }
  }
  return counts;
}
