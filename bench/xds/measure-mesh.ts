// One run of the benchmark: brings the sidecars in step, changes something a few times, and says what it cost.

import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import type { ResourceType } from "../../src/xds/resource-type.ts";
import { type ControlPlaneUnderTest, startControlPlane } from "./control-plane-under-test.ts";
import type { BenchSettings, MeshSize } from "./mesh-size.ts";
import type { ChangeKind, ControlPlaneUsage } from "./process-protocol.ts";
import { createResourceNeeds } from "./resource-needs.ts";
import { sidecarIdentity } from "./sidecar-identity.ts";
import { SimulatedSidecar } from "./simulated-sidecar.ts";

export interface ChangeFigures {
  readonly bytesPerProxy: number;
  readonly cpuMsPerProxy: number;
  /** From handing in the changed object, so with the debounce of its kind. */
  readonly arrivalMs: { readonly first: number; readonly median: number; readonly last: number };
}

export interface MeshFigures extends MeshSize {
  readonly views: number;
  readonly load: { readonly cpuSeconds: number; readonly rssMb: number };
  readonly connect: {
    readonly cpuSeconds: number;
    readonly cpuSecondsPerProxy: number;
    readonly bytesSent: number;
    readonly resourcesSent: number;
    /** As the clients counted them. */
    readonly resourcesReceived: number;
    readonly wallSeconds: number;
  };
  readonly virtualServiceChange: ChangeFigures;
  readonly endpointChange: ChangeFigures;
  /** Of a policy for all workloads, edited; then one that comes or goes, which moves all proxies to another view. */
  readonly policyChange: ChangeFigures;
  readonly policyPresenceChange: ChangeFigures;
  /** CPU to count who has acknowledged one VirtualService, for its status; `first` after a change also looks up sources. */
  readonly programmedCpuMs: { readonly first: number; readonly next: number };
  readonly peakRssMb: number;
}

const DEADLINE_MS = 600_000;
const POLL_MS = 20;

export async function measureMesh({
  size,
  roundCount,
  profileDirectory,
}: BenchSettings): Promise<MeshFigures> {
  const controlPlane = await startControlPlane(size, profileDirectory);
  const crowd = createCrowd(controlPlane.socketPath, size);
  try {
    const connect = await measureConnect(controlPlane, crowd, size);
    const change = (kind: ChangeKind, type: ResourceType) =>
      measureChange({ controlPlane, crowd, kind, type, roundCount });
    const virtualServiceChange = await change("virtual-service", "route");
    const endpointChange = await change("endpoint", "endpoint");
    const policyChange = await change("policy", "extension-config");
    const policyPresenceChange = await change("policy-presence", "extension-config");
    const programmedCpuMs = await measureProgrammed(controlPlane);
    const { peakRssBytes, viewCount, rejectedCount } = await controlPlane.usage();
    if (rejectedCount > 0) throw new Error(`${rejectedCount} responses were refused`);
    const { cpuMs, rssBytes } = controlPlane.atStart;
    return {
      ...size,
      views: viewCount,
      load: { cpuSeconds: rounded(cpuMs / 1_000), rssMb: megabytes(rssBytes) },
      connect,
      virtualServiceChange,
      endpointChange,
      policyChange,
      policyPresenceChange,
      programmedCpuMs,
      peakRssMb: megabytes(peakRssBytes),
    };
  } finally {
    crowd.close();
    await controlPlane.close();
  }
}

interface Crowd {
  readonly sidecars: readonly SimulatedSidecar[];
  connect(): void;
  /** Throws what ended a stream, if any ended. */
  check(): void;
  /** When each sidecar first got a response of the type, from now on. */
  arrivals(type: ResourceType): ReadonlyMap<SimulatedSidecar, number>;
  close(): void;
}

function createCrowd(socketPath: string, { proxyCount, ...size }: MeshSize): Crowd {
  const sidecars: SimulatedSidecar[] = [];
  const clients: GrpcClient[] = [];
  const needs = createResourceNeeds();
  let failure: Error | undefined;
  let isClosing = false;
  let watched: { readonly type: ResourceType; readonly arrivals: Map<SimulatedSidecar, number> } | undefined;
  return {
    sidecars,
    connect() {
      for (let index = 0; index < proxyCount; index += 1) {
        const client = new GrpcClient({ kind: "unix", path: socketPath }, clientOptions);
        clients.push(client);
        const sidecar = new SimulatedSidecar(sidecarIdentity(index, { ...size, proxyCount }), {
          client,
          needs,
          received(from, type) {
            if (watched?.type === type && !watched.arrivals.has(from))
              watched.arrivals.set(from, performance.now());
          },
          closed(from, error) {
            if (!isClosing)
              failure ??= new Error(`The stream of ${from.identity.id} ended`, { cause: error });
          },
        });
        sidecars.push(sidecar);
      }
    },
    check() {
      if (failure !== undefined) throw failure;
    },
    arrivals(type) {
      const arrivals = new Map<SimulatedSidecar, number>();
      watched = { type, arrivals };
      return arrivals;
    },
    close() {
      isClosing = true;
      for (const sidecar of sidecars) sidecar.close();
      for (const client of clients) client.close();
    },
  };
}

// A thousand clients in one process may be too busy for long to answer a ping in time.
const clientOptions = {
  clock: systemClock,
  maxMessageBytes: 256 * 1024 * 1024,
  connectTimeoutMs: DEADLINE_MS,
  keepaliveIntervalMs: DEADLINE_MS,
};

async function measureConnect(
  controlPlane: ControlPlaneUnderTest,
  crowd: Crowd,
  { proxyCount }: MeshSize,
): Promise<MeshFigures["connect"]> {
  const before = await controlPlane.usage();
  const startMs = performance.now();
  crowd.connect();
  await until(crowd, "all sidecars are in step", () => crowd.sidecars.every(({ isInStep }) => isInStep));
  const wallSeconds = rounded((performance.now() - startMs) / 1_000);
  const after = await settled(controlPlane, crowd);
  const cpuSeconds = (after.cpuMs - before.cpuMs) / 1_000;
  const types: readonly ResourceType[] = ["cluster", "endpoint", "extension-config", "listener", "route"];
  const counts = crowd.sidecars.flatMap((sidecar) => types.map((type) => sidecar.count(type)));
  return {
    cpuSeconds: rounded(cpuSeconds),
    cpuSecondsPerProxy: rounded(cpuSeconds / proxyCount),
    bytesSent: after.bytes - before.bytes,
    resourcesSent: after.resourceCount - before.resourceCount,
    resourcesReceived: counts.reduce((sum, count) => sum + count, 0),
    wallSeconds,
  };
}

interface ChangeMeasurement {
  readonly controlPlane: ControlPlaneUnderTest;
  readonly crowd: Crowd;
  readonly kind: ChangeKind;
  /** The type of resource that the change is seen in. */
  readonly type: ResourceType;
  readonly roundCount: number;
}

async function measureChange(measurement: ChangeMeasurement): Promise<ChangeFigures> {
  const rounds: ChangeFigures[] = [];
  for (let round = 0; round < measurement.roundCount; round += 1)
    rounds.push(await oneChange(measurement, round));
  const medianOf = (pick: (figures: ChangeFigures) => number) => rounded(median(rounds.map(pick)));
  return {
    bytesPerProxy: medianOf(({ bytesPerProxy }) => bytesPerProxy),
    cpuMsPerProxy: medianOf(({ cpuMsPerProxy }) => cpuMsPerProxy),
    arrivalMs: {
      first: medianOf(({ arrivalMs }) => arrivalMs.first),
      median: medianOf(({ arrivalMs }) => arrivalMs.median),
      last: medianOf(({ arrivalMs }) => arrivalMs.last),
    },
  };
}

async function oneChange(measurement: ChangeMeasurement, round: number): Promise<ChangeFigures> {
  const { controlPlane, crowd, kind, type } = measurement;
  const proxyCount = crowd.sidecars.length;
  const before = await controlPlane.usage();
  const arrivals = crowd.arrivals(type);
  const startMs = performance.now();
  controlPlane.change(kind, round);
  await until(crowd, `the change of ${kind} has arrived everywhere`, () => arrivals.size === proxyCount);
  const after = await settled(controlPlane, crowd);
  const delaysMs = [...arrivals.values()].map((atMs) => atMs - startMs);
  return {
    bytesPerProxy: (after.bytes - before.bytes) / proxyCount,
    cpuMsPerProxy: (after.cpuMs - before.cpuMs) / proxyCount,
    arrivalMs: { first: Math.min(...delaysMs), median: median(delaysMs), last: Math.max(...delaysMs) },
  };
}

async function measureProgrammed(
  controlPlane: ControlPlaneUnderTest,
): Promise<MeshFigures["programmedCpuMs"]> {
  const before = await controlPlane.usage();
  const once = await controlPlane.countProgrammed();
  const twice = await controlPlane.countProgrammed();
  const [firstMs, nextMs] = [once.cpuMs - before.cpuMs, twice.cpuMs - once.cpuMs];
  const eachMs = nextMs / once.virtualServiceCount;
  return { first: rounded(firstMs - nextMs + eachMs), next: rounded(eachMs) };
}

/** When every response is answered, nothing is left to do. */
async function settled(controlPlane: ControlPlaneUnderTest, crowd: Crowd): Promise<ControlPlaneUsage> {
  let usage = await controlPlane.usage();
  await until(crowd, "every response is answered", async () => {
    usage = await controlPlane.usage();
    return usage.answeredCount === usage.responseCount;
  });
  return usage;
}

async function until(
  crowd: Crowd,
  wanted: string,
  isReached: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!(await isReached())) {
    crowd.check();
    if (performance.now() > deadlineMs) throw new Error(`Gave up waiting until ${wanted}`);
    await sleep(POLL_MS);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
