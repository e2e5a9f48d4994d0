// What metrics and taps cost a request: CPU of all Envoys and of the supervisor, in which the agents are, with records told
// and without, and while somebody taps every proxy, in interleaved rounds of one run. Prints JSON. Needs root. Run: npm run bench -- telemetry [REQUESTS] [ROUNDS]

import { execFile } from "node:child_process";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { RECORDS_RUNTIME_KEY } from "../../src/core/telemetry-record.ts";
import { type RunningMesh, skipWithoutMesh, startMesh } from "../../tests/e2e/mesh/running-mesh.ts";
import { argvOf, cpuSecondsOf, processTree } from "../process-times.ts";

const [requestCount = 10_000, roundCount = 6] = process.argv.slice(2).map(Number);
const kinds = ["told", "untold", "tapped"] as const;
type Kind = (typeof kinds)[number];
const PROXIES = ["client", "echo-v1", "echo-v2"];
/** Access logs would be the larger part of both, and are another matter. */
const WITHOUT_ACCESS_LOG = `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: 'accessLogFile: ""' }
`;

if (!Number.isInteger(requestCount) || !Number.isInteger(roundCount) || requestCount < 1 || roundCount < 1) {
  console.error("usage: npm run bench -- telemetry [REQUESTS] [ROUNDS]");
  process.exit(2);
}
if (skipWithoutMesh !== false) {
  console.error(`Cannot start a mesh: ${skipWithoutMesh}`);
  process.exit(3);
}
const mesh = await startMesh({ files: { "mesh-config.yaml": WITHOUT_ACCESS_LOG } });
try {
  console.log(JSON.stringify(await measure(mesh), null, 2));
} finally {
  await mesh.close();
}

/** One of each proxy, read as fast as they write. */
async function openTaps(running: RunningMesh): Promise<readonly Socket[]> {
  const pods = (await Promise.all(PROXIES.map((workload) => running.pods(workload)))).flat();
  const taps = pods.map(({ name }) => {
    const socket = connect(join(running.stateDirectory, "supervisor.sock")).resume();
    socket.write(`GET /tap?namespace=test&pod=${name} HTTP/1.1\r\nhost: mesh\r\n\r\n`);
    return socket;
  });
  // Until their agents have told their Envoys.
  await new Promise((resolve) => setTimeout(resolve, 500));
  return taps;
}

interface Cost {
  readonly envoys: number;
  readonly supervisor: number;
}

async function measure(running: RunningMesh): Promise<object> {
  const client = await running.client("client");
  const { envoys, supervisor } = await processesOf(running);
  const costs: Readonly<Record<Kind, Cost[]>> = { told: [], untold: [], tapped: [] };
  const send = () => client.many(requestCount, { url: "http://echo/", concurrency: 4 });
  await send();
  for (let round = 0; round < roundCount * kinds.length; round += 1) {
    const kind = kinds[round % kinds.length] ?? "told";
    await tell(running, kind === "untold" ? 0 : 100);
    const taps = kind === "tapped" ? await openTaps(running) : [];
    const before = [await cpuSecondsOf(envoys), await cpuSecondsOf(supervisor)];
    const { byStatus } = await send();
    if (byStatus[200] !== requestCount) throw new Error(`Requests failed: ${JSON.stringify(byStatus)}`);
    // Lines are written twice a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const after = [await cpuSecondsOf(envoys), await cpuSecondsOf(supervisor)];
    for (const tap of taps) tap.destroy();
    const microseconds = (at: number) => (((after[at] ?? 0) - (before[at] ?? 0)) * 1e6) / requestCount;
    costs[kind].push({ envoys: microseconds(0), supervisor: microseconds(1) });
  }
  return {
    what: "µs of CPU a request over both hops, the median of rounds: records told, not told, and told while tapped",
    requests: requestCount,
    rounds: roundCount,
    told: medians(costs.told),
    untold: medians(costs.untold),
    tapped: medians(costs.tapped),
  };
}

/** As this machine numbers them: the mesh has numbers of its own. */
async function processesOf(running: RunningMesh) {
  const pids = await processTree(await running.frontPid());
  const programs = await Promise.all(pids.map(async (pid) => ({ pid, argv: await argvOf(pid) })));
  const pidsOf = (isOf: (argv: readonly string[]) => boolean) =>
    programs.filter(({ argv }) => isOf(argv)).map(({ pid }) => pid);
  return {
    envoys: pidsOf(([program = ""]) => program.endsWith("/envoy")),
    supervisor: pidsOf((argv) => argv.some((word) => word.endsWith("/supervisor.js"))),
  };
}

async function tell(running: RunningMesh, percent: number): Promise<void> {
  const url = `http://127.0.0.1:15000/runtime_modify?${RECORDS_RUNTIME_KEY}=${percent}`;
  const posting = `fetch("${url}", { method: "POST" }).then((answer) => process.exit(answer.ok ? 0 : 1))`;
  for (const proxy of PROXIES) {
    const choices = { container: "istio-proxy" };
    const [command, ...args] = await running.exec(proxy, [process.execPath, "-e", posting], choices);
    await promisify(execFile)(command, args);
  }
}

function medians(costs: readonly Cost[]): Cost {
  const median = (read: (cost: Cost) => number) => {
    const sorted = costs.map(read).toSorted((one, other) => one - other);
    return Math.round((sorted[Math.floor(sorted.length / 2)] ?? Number.NaN) * 10) / 10;
  };
  return { envoys: median(({ envoys }) => envoys), supervisor: median(({ supervisor }) => supervisor) };
}
