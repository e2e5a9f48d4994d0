// How much one changed row costs beside a rebuild: 10,000 services × 10 endpoints, one derived row for each service.
// Prints JSON; read the ratios, not the milliseconds. Run: npm run bench -- graph

import { isDeepStrictEqual } from "node:util";
import { Graph } from "../../src/graph/graph.ts";
import { structurallyEqual } from "../../src/graph/structural-equality.ts";

interface Endpoint {
  readonly service: string;
  readonly ip: string;
}

interface Service {
  readonly host: string;
  readonly policy: string;
}

const ENDPOINTS_PER_SERVICE = 10;
const CHANGE_COUNT = 2_000;

function buildMesh(serviceCount: number) {
  const graph = new Graph();
  const services = graph.source<Service>("services");
  const endpoints = graph.source<Endpoint>("endpoints");
  const policies = graph.source<{ readonly timeoutMs: number }>("policies");
  const endpointsByService = graph.index(endpoints, "endpoints by service", ({ service }) => [service]);
  let runCount = 0;
  graph.derive<Service, object>({
    name: "clusters",
    from: services,
    rows: (key, { host, policy }, read) => {
      runCount += 1;
      const addresses = read.find(endpointsByService, key).map(([, { ip }]) => ip);
      return [
        [host, { host, addresses, policy: read.get(policies, policy), all: read.get(policies, "mesh") }],
      ];
    },
  });
  const startMs = performance.now();
  graph.commit((t) => {
    for (let service = 0; service < serviceCount; service += 1) {
      t.set(services, `s${service}`, { host: `s${service}.shop`, policy: `p${service}` });
      for (let endpoint = 0; endpoint < ENDPOINTS_PER_SERVICE; endpoint += 1) {
        t.set(endpoints, `s${service}-${endpoint}`, { service: `s${service}`, ip: `10.0.${endpoint}.1` });
      }
    }
  });
  const buildMs = performance.now() - startMs;
  const changeEndpoint = (change: number): void => {
    const service = `s${(change * 7919) % serviceCount}`;
    graph.commit((t) => t.set(endpoints, `${service}-0`, { service, ip: `10.1.${change}.1` }));
  };
  const changeMesh = (): void => {
    graph.commit((t) => t.set(policies, "mesh", { timeoutMs: 5 }));
  };
  return { buildMs, changeEndpoint, changeMesh, runs: () => runCount };
}

function measure(serviceCount: number) {
  const heapBefore = heapBytes();
  const mesh = buildMesh(serviceCount);
  const heapMb = (heapBytes() - heapBefore) / 2 ** 20;
  const runsBefore = mesh.runs();
  const startMs = performance.now();
  for (let change = 0; change < CHANGE_COUNT; change += 1) mesh.changeEndpoint(change);
  const oneChangeMs = (performance.now() - startMs) / CHANGE_COUNT;
  const runsPerChange = (mesh.runs() - runsBefore) / CHANGE_COUNT;
  const meshStartMs = performance.now();
  mesh.changeMesh();
  const meshChangeMs = performance.now() - meshStartMs;
  return { serviceCount, buildMs: mesh.buildMs, heapMb, oneChangeMs, runsPerChange, meshChangeMs };
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function measureEquality() {
  const make = () => ({
    host: "s.shop",
    addresses: Array.from({ length: 10 }, (_, i) => `10.0.${i}.1`),
    policy: { timeoutMs: 5 },
  });
  const [a, b] = [make(), make()];
  const timeOf = (equal: (a: unknown, b: unknown) => boolean): number => {
    const startMs = performance.now();
    for (let round = 0; round < 200_000; round += 1) equal(a, b);
    return performance.now() - startMs;
  };
  timeOf(structurallyEqual);
  return { structurallyEqualMs: timeOf(structurallyEqual), isDeepStrictEqualMs: timeOf(isDeepStrictEqual) };
}

measure(100); // warms the compiler
const small = measure(1_000);
const large = measure(10_000);
const report = {
  small,
  large,
  oneChangeGrowth: large.oneChangeMs / small.oneChangeMs,
  rebuildToOneChange: large.buildMs / large.oneChangeMs,
  equality: measureEquality(),
};
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
