// A mesh under a steady load for a long time: what each of its processes keeps in memory, and whether that still grows when
// it had time to settle. The counters at its end are held against what was sent. Prints JSON. Needs root.
// Run: npm run bench -- soak [--minutes 60] [--warm-up 10] [--connections 25]

import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { type RunningMesh, skipWithoutMesh, startMesh } from "../../tests/e2e/mesh/running-mesh.ts";
import { parseSamples, sumOf } from "../../tests/support/scraped-metrics.ts";
import { type MemorySample, measureGrowth } from "./memory-growth.ts";

const SAMPLES_AFTER_WARM_UP = 100;
/** With some milliseconds for the request itself, a connection makes about 40 requests a second. */
const PAUSE_MS = 20;
const BYTES_PER_MB = 1_000_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    "warm-up": { type: "string", default: "10" },
    connections: { type: "string", default: "25" },
  },
});
const [minutes, warmUp, connections] = [values.minutes, values["warm-up"], values.connections].map(
  Number,
) as [number, number, number];
if (!(warmUp > 0 && minutes > warmUp && connections >= 1)) {
  console.error("usage: npm run bench -- soak [--minutes 60] [--warm-up 10] [--connections 25]");
  process.exit(2);
}
if (skipWithoutMesh !== false) {
  console.error(`Cannot start a mesh: ${skipWithoutMesh}`);
  process.exit(3);
}
const mesh = await startMesh();
try {
  console.log(JSON.stringify(await soak(mesh), null, 2));
} finally {
  await mesh.close();
}

async function soak(running: RunningMesh): Promise<object> {
  const durationMs = minutes * 60_000;
  const warmUpMs = warmUp * 60_000;
  const intervalMs = (durationMs - warmUpMs) / SAMPLES_AFTER_WARM_UP;
  const client = await running.client("client");
  const load = await client.load({ url: "http://echo/", connections, pauseMs: PAUSE_MS });
  const startMs = Date.now();
  const samples = new Map<string, MemorySample[]>();
  while (Date.now() - startMs < durationMs) {
    await sleep(intervalMs);
    const atMs = Date.now() - startMs;
    for (const [name, bytes] of await memoryOf(running)) {
      const kept = samples.get(name) ?? [];
      kept.push({ atMs, bytes });
      samples.set(name, kept);
    }
  }
  const { total, byStatus, failures } = await load.stop();
  const seconds = (Date.now() - startMs) / 1000;
  return {
    what: `memory after ${warmUp} and after ${minutes} minutes of load, in MB, and its growth an hour`,
    requestsPerSecond: Math.round(total / seconds),
    ...{ total, byStatus, failures },
    counted: await requestsCounted(running),
    processes: Object.fromEntries([...samples].map(([name, kept]) => [name, growthOf(kept, warmUpMs)])),
  };
}

async function memoryOf(running: RunningMesh): Promise<readonly (readonly [name: string, bytes: number])[]> {
  const { processes } = await running.report();
  const pods = await Promise.all(["client", "echo-v1", "echo-v2"].map((workload) => running.pods(workload)));
  const proxies = pods
    .flat()
    .flatMap(({ name, containers }) =>
      containers.flatMap(({ role, memoryBytes }) =>
        role === "proxy" && memoryBytes !== undefined ? [[`envoy of ${name}`, memoryBytes] as const] : [],
      ),
    );
  return [...processes.map(({ name, memoryBytes }) => [name, memoryBytes ?? 0] as const), ...proxies];
}

function growthOf(samples: readonly MemorySample[], warmUpMs: number) {
  const { settledBytes, lastBytes, peakBytes, bytesPerHour } = measureGrowth(samples, warmUpMs);
  const megabytes = (bytes: number) => Math.round((bytes / BYTES_PER_MB) * 10) / 10;
  return {
    settled: megabytes(settledBytes),
    last: megabytes(lastBytes),
    peak: megabytes(peakBytes),
    perHour: megabytes(bytesPerHour),
  };
}

/** By the caller's proxy. Lines of the last requests come within a second. */
async function requestsCounted(running: RunningMesh): Promise<number> {
  await sleep(2_000);
  const url = "http://127.0.0.1:15020/stats/prometheus";
  const printing = `fetch("${url}").then((answer) => answer.text()).then((text) => process.stdout.write(text))`;
  const [command, ...args] = await running.exec("client", [process.execPath, "-e", printing]);
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 64 * BYTES_PER_MB });
  return sumOf(parseSamples(stdout), "istio_requests_total", { reporter: "source" });
}
