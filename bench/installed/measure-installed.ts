// One run of the benchmark: starts the control plane several times against a filled API server, connects sidecars to the
// last one, changes endpoints, lets pods come and go, edits MeshConfig, and says what each cost.

import { setTimeout as sleep } from "node:timers/promises";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { type ApiServer, startApiServer } from "../../tests/kubernetes/cluster/api-server.ts";
import { definitionsEstablished } from "../../tests/kubernetes/cluster/definitions-established.ts";
import { type Crowd, createCrowd, untilInStep, untilReached } from "../xds/crowd.ts";
import { median } from "../xds/median.ts";
import { benchService, changedService, endpointSlice, meshObjects } from "../xds/mesh-objects.ts";
import type { BenchSettings, MeshSize } from "../xds/mesh-size.ts";
import { administrator, createAsIs, deleteAtOnce, fillCluster, replaceSpec } from "./fill-cluster.ts";
import { type InstalledControlPlane, startInstalledControlPlane } from "./installed-control-plane.ts";
import { callsSince, type StatusCalls, statusCalls } from "./status-calls.ts";

const NAMESPACE = "meltemi-system";
/** Twice the time in which a status could be written again. */
const QUIET_MS = 2_500;
/** More than the leader takes for each object when it looks at all of them. */
const LOOK_MS = 25;
const POD_COUNT = 20;

export interface InstalledFigures extends MeshSize {
  readonly objectsWithStatus: number;
  /** Each of the starts. */
  readonly start: readonly StartFigures[];
  readonly connect: { readonly cpuMsPerProxy: number; readonly heldMs: number };
  /** From the last sidecar in step until nothing more is written. */
  readonly firstStatus: StatusCalls & { readonly cpuSeconds: number };
  readonly endpointChange: { readonly cpuMsPerProxy: number } & StatusCalls;
  readonly podsUpAndDown: StatusCalls & { readonly pods: number; readonly cpuMsPerPod: number };
  readonly meshConfigEdit: { readonly cpuMsPerProxy: number; readonly heldMs: number };
  /** Of a control plane that leads, with all sidecars connected. */
  readonly idleCpuMsPerSecond: number;
  readonly peakRssMb: number;
}

interface StartFigures {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly heldMs: number;
}

interface Run {
  readonly server: ApiServer;
  readonly client: ApiClient;
  readonly plane: InstalledControlPlane;
  readonly crowd: Crowd;
  readonly settings: BenchSettings;
}

export async function measureInstalled(settings: BenchSettings): Promise<InstalledFigures> {
  const { size, roundCount } = settings;
  // The pods' ServiceAccounts would have to be made one by one.
  const server = await startApiServer({
    audit: true,
    flags: ["--disable-admission-plugins", "ServiceAccount"],
  });
  const client = await administrator(server.kubeconfigPath);
  try {
    await prepare(server, client, size);
    const starts: StartFigures[] = [];
    for (let round = 1; round < roundCount; round += 1) {
      const plane = await start(server, { ...settings, profileDirectory: undefined });
      starts.push(plane.start);
      await plane.close();
    }
    const plane = await start(server, settings);
    starts.push(plane.start);
    const crowd = createCrowd({ kind: "tcp", host: "127.0.0.1", port: plane.plaintextPort }, size);
    try {
      return {
        ...size,
        ...(await measureServing({ server, client, plane, crowd, settings })),
        start: starts,
      };
    } finally {
      crowd.close();
      await plane.close();
    }
  } finally {
    client.close();
    await server.close();
  }
}

async function prepare(server: ApiServer, client: ApiClient, size: MeshSize): Promise<void> {
  const definitions = customResourceDefinitions();
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: definitions });
  await server.kubectl(["apply", "--server-side", "-f", "-"], { input });
  await definitionsEstablished(server.kubectl);
  const system = [NAMESPACE, "istio-system"].map((name) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name },
  }));
  await fillCluster(client, [...system, ...meshObjects(size)]);
  await createAsIs(client, meshConfig(0));
}

function start(server: ApiServer, { profileDirectory }: BenchSettings): Promise<InstalledControlPlane> {
  const { kubeconfigPath } = server;
  return startInstalledControlPlane({ kubeconfigPath, namespace: NAMESPACE, profileDirectory });
}

type ServingFigures = Omit<InstalledFigures, "start" | keyof MeshSize>;

async function measureServing(run: Run): Promise<ServingFigures> {
  const { plane, settings } = run;
  // Those before left without a word, so their lease has to end.
  await untilReached(run.crowd, "the control plane leads", () =>
    plane.events.some(({ msg }) => msg === "leading"),
  );
  await untilQuiet(run);
  const connect = await measureConnect(run);
  const firstStatus = await measureFirstStatus(run);
  const endpointChange = await measureEndpoints(run);
  const podsUpAndDown = await measurePods(run);
  const meshConfigEdit = await measureMeshConfig(run);
  await untilCalm(run);
  const idleCpuMsPerSecond = await measureIdle(run);
  const { peakRssBytes } = await plane.usage();
  return {
    objectsWithStatus: objectsWithStatus(settings.size),
    connect,
    firstStatus,
    endpointChange,
    podsUpAndDown,
    meshConfigEdit,
    idleCpuMsPerSecond,
    peakRssMb: Math.round(peakRssBytes / 2 ** 20),
  };
}

function objectsWithStatus(size: MeshSize): number {
  return meshObjects(size).filter(({ apiVersion }) => apiVersion.includes(".istio.io/")).length;
}

async function measureConnect({ plane, crowd, settings }: Run): Promise<InstalledFigures["connect"]> {
  const before = await plane.usage({ isWatched: true });
  crowd.connect();
  await untilInStep(crowd);
  const after = await plane.usage();
  return perProxy(before, after, settings.size);
}

/** The leader tells of each object that all proxies have it. */
async function measureFirstStatus(run: Run): Promise<InstalledFigures["firstStatus"]> {
  const { server, plane } = run;
  const [callsBefore, before] = [await statusCalls(server), await plane.usage()];
  await untilQuiet(run);
  const after = await plane.usage();
  const calls = callsSince(callsBefore, await statusCalls(server));
  return { ...calls, cpuSeconds: rounded((after.cpuMs - before.cpuMs) / 1_000) };
}

/** All of what a change brings counts, also what the status writer does after it has arrived. */
async function measureEndpoints(run: Run): Promise<InstalledFigures["endpointChange"]> {
  const { server, client, plane, crowd, settings } = run;
  const { size, roundCount } = settings;
  const service = changedService(size);
  await untilCalm(run);
  const idleMs = (await measureIdle(run)) * (QUIET_MS / 1_000);
  const callsBefore = await statusCalls(server);
  const rounds = [];
  for (let round = 0; round < roundCount; round += 1) {
    const before = await plane.usage();
    const startedMs = performance.now();
    const arrivals = crowd.arrivals("endpoint");
    await replaceSpec(client, endpointSlice(service, size, `10.250.0.${1 + round}`));
    await untilReached(crowd, "the endpoint", () => arrivals.size === size.proxyCount);
    await sleep(QUIET_MS - Math.min(QUIET_MS, performance.now() - startedMs));
    const after = await plane.usage();
    rounds.push((after.cpuMs - before.cpuMs - idleMs) / size.proxyCount);
  }
  return {
    cpuMsPerProxy: rounded(median(rounds)),
    ...callsSince(callsBefore, await statusCalls(server)),
  };
}

/** Pods of one more workload each, with a sidecar in a view that there is. */
async function measurePods(run: Run): Promise<InstalledFigures["podsUpAndDown"]> {
  const { server, client, plane, settings } = run;
  const { size } = settings;
  const [callsBefore, before] = [await statusCalls(server), await plane.usage()];
  for (let index = 0; index < POD_COUNT; index += 1) {
    const service = benchService(index, size);
    const pod = extraPod(service, index);
    await createAsIs(client, pod);
    await replaceSpec(client, endpointSlice(service, size, `10.251.0.${1 + index}`));
    const only = oneSidecar(run, index);
    only.connect();
    await untilInStep(only);
    only.close();
    await deleteAtOnce(client, pod);
    await replaceSpec(client, endpointSlice(service, size));
  }
  await untilQuiet(run);
  const after = await plane.usage();
  const calls = callsSince(callsBefore, await statusCalls(server));
  return { ...calls, pods: POD_COUNT, cpuMsPerPod: rounded((after.cpuMs - before.cpuMs) / POD_COUNT) };
}

function oneSidecar({ plane, settings }: Run, index: number): Crowd {
  const target = { kind: "tcp", host: "127.0.0.1", port: plane.plaintextPort } as const;
  return createCrowd(target, { ...settings.size, proxyCount: 1 }, settings.size.proxyCount + index);
}

function extraPod({ name, namespace }: ReturnType<typeof benchService>, index: number): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${name}-v1-extra`, namespace, labels: { app: name, version: "v1" } },
    spec: { serviceAccountName: name, nodeName: "node-1", containers: [{ name: "app", image: "app:1" }] },
    status: { phase: "Running", podIP: `10.251.0.${1 + index}` },
  };
}

async function measureMeshConfig(run: Run): Promise<InstalledFigures["meshConfigEdit"]> {
  const { client, plane, crowd, settings } = run;
  const rounds = [];
  for (let round = 1; round <= settings.roundCount; round += 1) {
    const before = await plane.usage({ isWatched: true });
    const arrivals = crowd.arrivals("listener");
    await replaceSpec(client, meshConfig(round));
    await untilReached(crowd, "the MeshConfig", () => arrivals.size === settings.size.proxyCount);
    await untilQuiet(run);
    rounds.push(perProxy(before, await plane.usage(), settings.size));
  }
  return {
    cpuMsPerProxy: median(rounds.map(({ cpuMsPerProxy }) => cpuMsPerProxy)),
    heldMs: Math.max(...rounds.map(({ heldMs }) => heldMs)),
  };
}

/** One that all listeners and clusters of a sidecar depend on. */
function meshConfig(round: number): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "istio", namespace: NAMESPACE },
    data: { mesh: `accessLogFile: /dev/stdout\naccessLogFormat: "%REQ(:METHOD)% ${round}\\n"\n` },
  };
}

/** Until no object is looked at any more, whether its status is written or not. */
async function untilCalm(run: Run): Promise<void> {
  await untilQuiet(run);
  await sleep(LOOK_MS * objectsWithStatus(run.settings.size));
}

/** Until nothing is asked of the API server for an object's status for a while. */
async function untilQuiet({ server }: Pick<Run, "server">): Promise<void> {
  for (let before = await statusCalls(server); ; ) {
    await sleep(QUIET_MS);
    const now = await statusCalls(server);
    if (now.reads === before.reads && now.writes === before.writes) return;
    before = now;
  }
}

function measureIdle(run: Run): Promise<number> {
  return idleCpu(run, 4 * QUIET_MS);
}

/** In a second. */
async function idleCpu({ plane }: Pick<Run, "plane">, forMs: number): Promise<number> {
  const before = await plane.usage();
  await sleep(forMs);
  const after = await plane.usage();
  return rounded(((after.cpuMs - before.cpuMs) * 1_000) / forMs);
}

interface Usage {
  readonly cpuMs: number;
  readonly heldMs: number;
}

function perProxy(before: Usage, { cpuMs, heldMs }: Usage, { proxyCount }: MeshSize) {
  return { cpuMsPerProxy: rounded((cpuMs - before.cpuMs) / proxyCount), heldMs: rounded(heldMs) };
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
