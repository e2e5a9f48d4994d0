// Runs as root in a fresh network namespace: one injected pod whose certificate lives 30 seconds, scraped every five.

import { setTimeout as sleep } from "node:timers/promises";
import {
  POD_IP,
  PROXY,
  prepareInjectedPod,
  scrape,
  setUpNetwork,
  shopObjects,
} from "../../tests/e2e/agent/injected-pod.ts";
import { startPodControlPlane } from "../../tests/e2e/agent/pod-control-plane.ts";
import { ownKb, residentKb } from "../../tests/e2e/agent/resident-memory.ts";

const [directory = "", programPath = "", envoyPath = "", minutes = ""] = process.argv.slice(2);
const SCRAPE_PERIOD_MS = 5_000;
const SAMPLE_PERIOD_MS = 100;
// V8 gives back what starting took about ten seconds after the agent is ready.
const SETTLE_MS = 15_000;

setUpNetwork();
const controlPlane = await startPodControlPlane(15012, shopObjects);
const place = { directory, programPath, envoyPath, controlPlane };
const pod = prepareInjectedPod({ ...place, proxyMetadata: { SECRET_TTL: "30s" } });
const captured = await pod.runAgent(pod.initArgs, { uid: 0, gid: 0 });
if (captured.code !== 0) throw new Error(captured.stderr);
const agent = pod.startProxy();
let rotationCount = 0;
agent.stdout?.resume();
agent.stderr?.on("data", (text) => {
  rotationCount += String(text).split("certificate rotated").length - 1;
});
const waited = await pod.runAgent(["wait"], PROXY);
if (waited.code !== 0) throw new Error(waited.stderr);
const readyMb = megabytes(residentKb(agent.pid));
await sleep(SETTLE_MS);
const idle = { rssMb: megabytes(residentKb(agent.pid)), ownMb: megabytes(ownKb(agent.pid)) };
const samples: number[] = [];
const sampling = setInterval(() => samples.push(residentKb(agent.pid)), SAMPLE_PERIOD_MS);
let scrapeCount = 0;
for (const endMs = performance.now() + Number(minutes) * 60_000; performance.now() < endMs; scrapeCount++) {
  await scrape(`http://${POD_IP}:15020/stats/prometheus`);
  await sleep(SCRAPE_PERIOD_MS);
}
clearInterval(sampling);
samples.sort((a, b) => a - b);
const medianMb = megabytes(samples[Math.floor(samples.length / 2)] ?? 0);
const busy = { scrapeCount, rotationCount, medianMb, peakMb: megabytes(samples.at(-1) ?? 0) };
process.stdout.write(`${JSON.stringify({ readyMb, idle, busy }, undefined, 2)}\n`);
agent.kill("SIGKILL");
process.exit();

function megabytes(kilobytes: number): number {
  return Math.round((kilobytes / 1024) * 10) / 10;
}
