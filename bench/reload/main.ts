// What saving one changed line of a large manifest costs: from the save to the first answer that follows it, and the CPU
// that the processes of Meltemi take for it, in a mesh with real Envoys. Prints JSON. Needs root.
// Run: npm run bench -- reload [--services N] [--edits N]

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { eventually } from "../../tests/e2e/mesh/eventually.ts";
import type { Load, PodClient } from "../../tests/e2e/mesh/pod-client.ts";
import type { RunningMesh } from "../../tests/e2e/mesh/running-mesh.ts";
import { skipWithoutMesh, startMesh } from "../../tests/e2e/mesh/running-mesh.ts";
import { argvOf, cpuSecondsOf, processTree } from "../process-times.ts";
import { type LargeManifest, largeManifest } from "./large-manifest.ts";

const FILE = "all.yaml";
// What an edit leaves to do, such as keeping the last good state on disk, is part of its cost.
const SETTLE_MS = 2_000;
// Probes and reports go on in the meantime: their cost is taken off.
const IDLE_MS = 10_000;
const CALLER = { url: "http://echo/", connections: 1, pauseMs: 5 };

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "1000" },
    edits: { type: "string", default: "10" },
  },
});
const serviceCount = Number(values.services);
const editCount = Number(values.edits);
if (![serviceCount, editCount].every((count) => Number.isInteger(count) && count > 0)) {
  process.stderr.write("usage: npm run bench -- reload [--services N] [--edits N]\n");
  process.exit(2);
}
if (skipWithoutMesh !== false) {
  process.stderr.write(`Cannot start a mesh: ${skipWithoutMesh}\n`);
  process.exit(3);
}
process.stdout.write(`${JSON.stringify(await measureReload(), undefined, 2)}\n`);

async function measureReload(): Promise<object> {
  const mesh = await startMesh({ files: { [FILE]: largeManifest({ serviceCount, edit: "first" }) } });
  try {
    const client = await mesh.client("client");
    return {
      services: serviceCount,
      fileBytes: (await stat(join(mesh.configDirectory, FILE))).size,
      changedLine: await measureEdits(mesh, client, (number) => ({ edit: `changed-${number}` })),
      changedService: await measureEdits(mesh, client, (number) => ({
        edit: `service-${number}`,
        version: String(number + 2),
      })),
      addedLine: await measureEdits(mesh, client, (number) => ({
        edit: `added-${number}`,
        linesAbove: number + 1,
      })),
    };
  } finally {
    await mesh.close();
  }
}

type Edit = Omit<LargeManifest, "serviceCount">;

type EditOf = (number: number) => Edit;

async function measureEdits(mesh: RunningMesh, client: PodClient, editOf: EditOf): Promise<object> {
  const load = await client.load(CALLER);
  const pids = await findProcesses(mesh);
  const run = { mesh, load, pids, idleCpuMs: await measureIdle(pids) };
  const costs: Cost[] = [];
  // The first edit finds caches cold and code not compiled yet.
  for (let number = 0; number <= editCount; number += 1) {
    const cost = await measureEdit(run, editOf(number));
    if (number > 0) costs.push(cost);
  }
  const { failures } = await run.load.stop();
  if (failures.length > 0) throw new Error(`Requests failed: ${JSON.stringify(failures)}`);
  const median = (figure: (cost: Cost) => number) =>
    costs.map(figure).sort((a, b) => a - b)[costs.length >> 1];
  return {
    edits: costs.length,
    medianMs: median(({ ms }) => ms),
    maxMs: Math.max(...costs.map(({ ms }) => ms)),
    // Means, since the kernel counts in steps of 10 ms.
    cpuMs: mean(costs.map(({ cpuMs }) => sum(Object.values(cpuMs)))),
    frontCpuMs: mean(costs.map(({ cpuMs }) => cpuMs.front)),
    supervisorCpuMs: mean(costs.map(({ cpuMs }) => cpuMs.supervisor)),
    controlPlaneCpuMs: mean(costs.map(({ cpuMs }) => cpuMs.controlPlane)),
    // Not in the sum: what an Envoy takes for what it was sent, in the mean of all.
    envoyCpuMs: mean(costs.map(({ envoyCpuMs }) => envoyCpuMs)),
  };
}

interface Cost {
  readonly ms: number;
  readonly cpuMs: ProcessTimes;
  readonly envoyCpuMs: number;
}

interface Run {
  readonly mesh: RunningMesh;
  readonly load: Load;
  readonly pids: ProcessIds;
  /** What a second costs in which nothing is saved. */
  readonly idleCpuMs: ProcessTimes;
}

async function measureEdit(run: Run, edit: Edit): Promise<Cost> {
  const text = largeManifest({ serviceCount, ...edit });
  await wait(SETTLE_MS);
  const before = await processTimes(run.pids);
  const envoysBefore = await cpuSecondsOf(run.pids.envoys);
  const startedMs = performance.now();
  const savedAtMs = Date.now();
  await run.mesh.save(FILE, text);
  const seenAtMs = await eventually(async () => {
    const { firstSeenMs } = await run.load.tally();
    const ms = firstSeenMs[edit.edit];
    if (ms === undefined) throw new Error(`Edit ${edit.edit} isn't seen in the traffic`);
    return ms;
  });
  await wait(SETTLE_MS);
  const after = await processTimes(run.pids);
  const envoySeconds = (await cpuSecondsOf(run.pids.envoys)) - envoysBefore;
  const seconds = (performance.now() - startedMs) / 1_000;
  const cpuMsOf = (name: keyof ProcessTimes) => after[name] - before[name] - run.idleCpuMs[name] * seconds;
  return {
    ms: seenAtMs - savedAtMs,
    cpuMs: {
      front: cpuMsOf("front"),
      supervisor: cpuMsOf("supervisor"),
      controlPlane: cpuMsOf("controlPlane"),
    },
    envoyCpuMs: (envoySeconds * 1_000) / run.pids.envoys.length,
  };
}

async function measureIdle(pids: ProcessIds): Promise<ProcessTimes> {
  await wait(SETTLE_MS);
  const before = await processTimes(pids);
  await wait(IDLE_MS);
  const after = await processTimes(pids);
  const perSecond = (name: keyof ProcessTimes) => ((after[name] - before[name]) * 1_000) / IDLE_MS;
  return {
    front: perSecond("front"),
    supervisor: perSecond("supervisor"),
    controlPlane: perSecond("controlPlane"),
  };
}

interface ProcessTimes {
  readonly front: number;
  readonly supervisor: number;
  readonly controlPlane: number;
}

async function processTimes(pids: ProcessIds): Promise<ProcessTimes> {
  const cpuMsOf = async (pid: number) => (await cpuSecondsOf([pid])) * 1_000;
  return {
    front: await cpuMsOf(pids.front),
    supervisor: await cpuMsOf(pids.supervisor),
    controlPlane: await cpuMsOf(pids.controlPlane),
  };
}

interface ProcessIds extends ProcessTimes {
  readonly envoys: readonly number[];
}

/** As this machine numbers them: what a mesh says of its processes are the numbers within. */
async function findProcesses(mesh: RunningMesh): Promise<ProcessIds> {
  const front = await mesh.frontPid();
  const programs = await Promise.all(
    (await processTree(front)).map(async (pid) => ({ pid, argv: await argvOf(pid) })),
  );
  const pidOf = (program: string) => {
    const found = programs.find(
      ({ argv }) => argv[0] === process.execPath && argv.some((word) => word.endsWith(`/${program}`)),
    );
    if (found === undefined) throw new Error(`The mesh runs no ${program}`);
    return found.pid;
  };
  const envoys = programs
    .filter(({ argv: [program = ""] }) => program.endsWith("envoy"))
    .map(({ pid }) => pid);
  return { front, supervisor: pidOf("supervisor.js"), controlPlane: pidOf("control-plane.js"), envoys };
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}

function mean(figures: readonly number[]): number {
  return Math.round(sum(figures) / figures.length);
}
