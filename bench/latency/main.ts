// How long it takes from saving a file to changed traffic, in a small mesh with real Envoys: 50 edits that switch
// all traffic between two versions, seen by a caller in a pod. Prints JSON. Needs root. Run: npm run bench -- latency

import { setTimeout as wait } from "node:timers/promises";
import { weightedRoutes } from "../../tests/e2e/mesh/echo-routes.ts";
import { eventually } from "../../tests/e2e/mesh/eventually.ts";
import type { RunningMesh } from "../../tests/e2e/mesh/running-mesh.ts";
import { skipWithoutMesh, startMesh } from "../../tests/e2e/mesh/running-mesh.ts";

const EDIT_COUNT = Number(process.argv[2] ?? 50);
// Edits at one rhythm would all meet the caller's requests, and timers, at the same point of theirs.
const MAX_PAUSE_MS = 300;
const CALLER = { url: "http://echo/", connections: 1, pauseMs: 0 };

async function measure(mesh: RunningMesh): Promise<number[]> {
  const client = await mesh.client("client");
  const load = await client.load(CALLER);
  const delaysMs: number[] = [];
  // The first edit makes the object, which is another thing than changing it.
  for (let edit = 0; edit <= EDIT_COUNT; edit += 1) {
    await wait(100 + Math.random() * MAX_PAUSE_MS);
    const savedAtMs = Date.now();
    await mesh.save(
      "route.yaml",
      weightedRoutes({ [edit % 2 === 0 ? "v1" : "v2"]: 100 }, { edit: `e${edit}` }),
    );
    const seenAtMs = await eventually(async () => {
      const { firstSeenMs } = await load.tally();
      const ms = firstSeenMs[`e${edit}`];
      if (ms === undefined) throw new Error(`Edit ${edit} isn't seen in the traffic`);
      return ms;
    });
    if (edit > 0) delaysMs.push(seenAtMs - savedAtMs);
  }
  const { failures } = await load.stop();
  if (failures.length > 0) throw new Error(`Requests failed: ${JSON.stringify(failures)}`);
  return delaysMs;
}

function report(delaysMs: readonly number[]): object {
  const sorted = delaysMs.toSorted((one, other) => one - other);
  const percentile = (percent: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)];
  return {
    what: "milliseconds from saving a VirtualService's file to the first answer that follows it",
    edits: sorted.length,
    p50Ms: percentile(50),
    p90Ms: percentile(90),
    p99Ms: percentile(99),
    minMs: sorted[0],
    maxMs: sorted.at(-1),
  };
}

if (skipWithoutMesh !== false) {
  console.error(`Cannot start a mesh: ${skipWithoutMesh}`);
  process.exit(3);
}
const mesh = await startMesh();
try {
  console.log(JSON.stringify(report(await measure(mesh)), null, 2));
} finally {
  await mesh.close();
}
