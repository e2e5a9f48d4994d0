// What a mesh of small pods costs on this machine: how soon it is ready, what Meltemi itself and all processes keep in
// memory, and what they compute while nothing happens. The built programs, started as a user starts them. Prints JSON.
// Run as root, on an idle machine: npm run bench -- footprint --pods 60

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { MeshReport, PodReport } from "../../src/admin/contract/supervisor.ts";
import { cpuSecondsOf, processTree } from "../process-times.ts";

const READY_DEADLINE_MS = 180_000;
// What starting left behind is collected by then.
const SETTLE_MS = 10_000;
const IDLE_MS = 20_000;
const freePorts = ["--xds-port", "0", "--admin-port", "0"];

const { values } = parseArgs({ options: { pods: { type: "string", default: "20" } } });
const podCount = Number(values.pods);
if (!Number.isInteger(podCount) || podCount < 1) {
  process.stderr.write("usage: npm run bench -- footprint [--pods N]\n");
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(await measureFootprint(podCount), undefined, 2)}\n`);

async function measureFootprint(pods: number) {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-footprint-"));
  const stateDirectory = join(directory, "state");
  const manifests = join(directory, "manifests.yaml");
  await writeFile(manifests, manifestOf(pods));
  const front = spawn(
    process.execPath,
    [fileURLToPath(new URL("../../bin/meltemi.mjs", import.meta.url)), "up", manifests, ...freePorts],
    { env: { ...process.env, MELTEMI_STATE_DIR: stateDirectory }, stdio: ["ignore", "pipe", "pipe"] },
  );
  try {
    const readyMs = await untilReady(front, pods);
    await sleep(SETTLE_MS);
    const socketPath = join(stateDirectory, "supervisor.sock");
    const { processes } = (await ask(socketPath, "/mesh")) as MeshReport;
    const reports = (await ask(socketPath, "/pods")) as readonly PodReport[];
    const bytesOf = (name: string) => processes.find((each) => each.name === name)?.memoryBytes ?? 0;
    const idle = await measureIdle(front.pid ?? 0);
    const envoys = reports.flatMap(({ containers }) =>
      containers.flatMap(({ role, memoryBytes }) => (role === "proxy" ? [memoryBytes ?? 0] : [])),
    );
    return {
      pods: reports.length,
      readySeconds: Math.round(readyMs / 100) / 10,
      controlPlaneMb: megabytes(bytesOf("control plane")),
      supervisorMb: megabytes(bytesOf("supervisor")),
      togetherMb: megabytes(bytesOf("control plane") + bytesOf("supervisor")),
      medianEnvoyMb: megabytes(envoys.sort((a, b) => a - b)[Math.floor(envoys.length / 2)] ?? 0),
      ...idle,
    };
  } finally {
    const ended = once(front, "exit");
    if (front.exitCode === null && front.kill("SIGTERM")) await ended;
    await rm(directory, { recursive: true, force: true });
  }
}

/** All processes of the mesh; memory that they share is counted once. */
async function measureIdle(frontPid: number) {
  const before = await cpuSecondsOf(await processTree(frontPid));
  await sleep(IDLE_MS);
  const pids = await processTree(frontPid);
  const after = await cpuSecondsOf(pids);
  const shares = await Promise.all(pids.map(proportionalBytes));
  return {
    processes: pids.length,
    allProcessesMb: megabytes(shares.reduce((sum, each) => sum + each, 0)),
    idleCpuPercent: Math.round(((after - before) / (IDLE_MS / 1000)) * 1000) / 10,
  };
}

async function proportionalBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
}

function manifestOf(pods: number): string {
  return `apiVersion: v1
kind: Namespace
metadata: {name: idle, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle, namespace: idle}
spec:
  replicas: ${pods}
  selector: {matchLabels: {app: idle}}
  template:
    metadata: {labels: {app: idle}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: app, image: none, command: [sleep, infinity]}
---
apiVersion: v1
kind: Service
metadata: {name: idle, namespace: idle}
spec:
  selector: {app: idle}
  ports: [{name: http, port: 80}]
`;
}

/** How long it took; rejects with what was said when the mesh doesn't get there. */
function untilReady(front: ChildProcess, pods: number): Promise<number> {
  const startMs = performance.now();
  let text = "";
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`${reason}:\n${text}`));
    const timer = setTimeout(() => fail("The mesh isn't ready"), READY_DEADLINE_MS);
    for (const stream of [front.stdout, front.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8");
        if (!text.includes(`ready: ${pods} pods`)) return;
        clearTimeout(timer);
        resolve(performance.now() - startMs);
      });
    }
    front.once("exit", () => {
      clearTimeout(timer);
      fail("The mesh has ended");
    });
  });
}

function ask(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const question = request({ socketPath, path }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.once("end", () => resolve(JSON.parse(text)));
    });
    question.once("error", reject);
    question.end();
  });
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
