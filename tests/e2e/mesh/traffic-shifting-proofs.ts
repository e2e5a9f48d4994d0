// Issue 3, item 2, as tests of a mesh that is started with or without root: weights hold, and edits of the file
// switch all traffic while none of it fails.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { weightedRoutes } from "./echo-routes.ts";
import { eventually } from "./eventually.ts";
import type { Load, PodClient } from "./pod-client.ts";
import type { RunningMesh, StartMesh } from "./running-mesh.ts";

const EDIT_COUNT = 50;

/** Declares the tests; to be called in a suite of their own. */
export function proveTrafficShifting(start: StartMesh): void {
  let mesh: RunningMesh;
  let clients: readonly PodClient[];

  before(
    async () => {
      mesh = await start({ manifests: ["second-client.yaml"] });
      clients = await Promise.all(["client", "client-two"].map((name) => mesh.client(name)));
    },
    { timeout: 120_000 },
  );
  after(() => mesh?.close());

  test("weights 90 to 10 hold within 4 points over 2,000 requests", async () => {
    const [client] = clients as [PodClient];
    await mesh.save("route.yaml", weightedRoutes({ v1: 90, v2: 10 }, { edit: "weights" }));
    await eventually(async () => {
      const { headers } = await client.request("http://echo/");
      assert.equal(headers["x-edit"], "weights");
    });
    const { byStatus, byVersion } = await client.many(2_000, { url: "http://echo/", concurrency: 4 });
    assert.deepEqual(byStatus, { 200: 2_000 });
    const percentOfV2 = (byVersion.v2 ?? 0) / 20;
    assert(Math.abs(percentOfV2 - 10) <= 4, `${percentOfV2} % of the requests went to v2`);
  });

  test(`${EDIT_COUNT} edits that switch all traffic reach every proxy, and no request fails`, {
    timeout: 180_000,
  }, async () => {
    const loads = await Promise.all(
      clients.map((client) => client.load({ url: "http://echo/", connections: 4, pauseMs: 5 })),
    );
    for (let edit = 1; edit <= EDIT_COUNT; edit += 1) {
      const version = edit % 2 === 0 ? "v1" : "v2";
      await mesh.save("route.yaml", weightedRoutes({ [version]: 100 }, { edit: String(edit) }));
      await Promise.all(loads.map((load) => hasSwitched(load, { version, edit: String(edit) })));
      // All proxies are told at once: who has now acknowledged everything has acknowledged this edit.
      await mesh.waitUntilInStep();
    }
    for (const load of loads) {
      const tally = await load.stop();
      assert.deepEqual(tally.failures, []);
      assert.deepEqual(Object.keys(tally.byStatus), ["200"]);
      assert.equal(
        Object.keys(tally.byEdit).length,
        EDIT_COUNT + 1,
        "each edit was seen, and what was before",
      );
      assert(tally.total > EDIT_COUNT * 4, `there was load: ${tally.total} requests`);
    }
  });
}

async function hasSwitched(load: Load, to: { version: string; edit: string }): Promise<void> {
  await eventually(async () => {
    const { version, edit } = (await load.tally()).last;
    assert.deepEqual({ version, edit }, to);
  });
}
