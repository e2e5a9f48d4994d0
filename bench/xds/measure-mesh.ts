// One run of the benchmark: brings the sidecars in step, changes something a few times, and says what it cost.

import type { ResourceType } from "../../src/xds/resource-type.ts";
import { type ControlPlaneUnderTest, startControlPlane } from "./control-plane-under-test.ts";
import { type Crowd, createCrowd, untilInStep, untilReached } from "./crowd.ts";
import { median } from "./median.ts";
import type { BenchSettings, MeshSize } from "./mesh-size.ts";
import type { ChangeKind, ControlPlaneUsage } from "./process-protocol.ts";

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
  /**
   * CPU to count who has acknowledged one VirtualService, for its status: the first that is ever asked about, the first
   * after one has changed, and any other.
   */
  readonly programmedCpuMs: { readonly first: number; readonly afterChange: number; readonly next: number };
  readonly peakRssMb: number;
}

export async function measureMesh({
  size,
  roundCount,
  profileDirectory,
}: BenchSettings): Promise<MeshFigures> {
  const controlPlane = await startControlPlane(size, profileDirectory);
  const crowd = createCrowd({ kind: "unix", path: controlPlane.socketPath }, size);
  try {
    const connect = await measureConnect(controlPlane, crowd, size);
    const change = (kind: ChangeKind, type: ResourceType) =>
      measureChange({ controlPlane, crowd, kind, type, roundCount });
    const virtualServiceChange = await change("virtual-service", "route");
    const endpointChange = await change("endpoint", "endpoint");
    const policyChange = await change("policy", "extension-config");
    const policyPresenceChange = await change("policy-presence", "extension-config");
    const programmedCpuMs = await measureProgrammed(controlPlane, crowd);
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

async function measureConnect(
  controlPlane: ControlPlaneUnderTest,
  crowd: Crowd,
  { proxyCount }: MeshSize,
): Promise<MeshFigures["connect"]> {
  const before = await controlPlane.usage();
  const startMs = performance.now();
  crowd.connect();
  await untilInStep(crowd);
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
  await untilReached(
    crowd,
    `the change of ${kind} has arrived everywhere`,
    () => arrivals.size === proxyCount,
  );
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
  crowd: Crowd,
): Promise<MeshFigures["programmedCpuMs"]> {
  const count = async (): Promise<number> => {
    const before = await controlPlane.usage();
    return (await controlPlane.countProgrammed()).cpuMs - before.cpuMs;
  };
  const firstMs = await count();
  const arrivals = crowd.arrivals("route");
  controlPlane.change("virtual-service", -1);
  const isEverywhere = () => arrivals.size === crowd.sidecars.length;
  await untilReached(crowd, "the change before counting has arrived", isEverywhere);
  const { virtualServiceCount } = await settled(controlPlane, crowd);
  const afterChangeMs = await count();
  const nextMs = await count();
  const eachMs = nextMs / virtualServiceCount;
  return {
    first: rounded(firstMs - nextMs + eachMs),
    afterChange: rounded(Math.max(eachMs, afterChangeMs - nextMs + eachMs)),
    next: rounded(eachMs),
  };
}

/** When every response is answered, nothing is left to do. */
async function settled(controlPlane: ControlPlaneUnderTest, crowd: Crowd): Promise<ControlPlaneUsage> {
  let usage = await controlPlane.usage();
  await untilReached(crowd, "every response is answered", async () => {
    usage = await controlPlane.usage();
    return usage.answeredCount === usage.responseCount;
  });
  return usage;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
