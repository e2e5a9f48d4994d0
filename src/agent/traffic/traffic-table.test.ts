import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FIELD_SEPARATOR,
  httpRecordFields,
  RECORD_MARK,
  tcpRecordFields,
  VALUE_SEPARATOR,
} from "../../core/telemetry-record.ts";
import {
  decodeTrafficReport,
  encodeTrafficReport,
  MAX_REPORT_BYTES,
  MAX_SERIES_OF_REPORT,
  requestCount,
} from "../../core/traffic-report.ts";
import { RequestMetrics } from "../metrics/request-metrics.ts";
import { TrafficTable } from "./traffic-table.ts";

const own = {
  workload: "reviews-v1",
  namespace: "shop",
  canonicalService: "reviews",
  canonicalRevision: "v1",
  cluster: "Kubernetes",
  app: "reviews",
  version: "v1",
};
const REVIEWS = "spiffe://cluster.local/ns/shop/sa/reviews";
const WEB = "spiffe://cluster.local/ns/front/sa/web";

function tableOf(...lines: readonly string[]): TrafficTable {
  const traffic = new TrafficTable();
  const metrics = new RequestMetrics({ own, traffic });
  for (const line of lines) metrics.take(line);
  return traffic;
}

const served = {
  side: "m",
  responseCode: "200",
  service: "reviews.shop.svc.cluster.local;reviews;shop",
  routeName: "default",
  peerPrincipal: WEB,
  localPrincipal: REVIEWS,
  peerSubject: "UID=0f,unstructuredName=web-1,description=web-v2:front:web:v2:Kubernetes:web:v2",
};

function http(
  fields: Readonly<Record<string, string>>,
  values: readonly (string | number)[] = [7, 100, 900, ""],
) {
  const all: Readonly<Record<string, string>> = { side: "c", ...fields };
  const labels = httpRecordFields.map((name) => all[name] ?? "").join(FIELD_SEPARATOR);
  return `${RECORD_MARK}H${labels}${values.map((value) => `${VALUE_SEPARATOR}${value}`).join("")}`;
}

function tcp(event: string, connection: number, bytes: readonly [number, number]) {
  const all: Readonly<Record<string, string>> = { ...served, responseFlags: "" };
  const labels = tcpRecordFields.map((name) => all[name] ?? "").join(FIELD_SEPARATOR);
  const values = [event, connection, ...bytes];
  return `${RECORD_MARK}T${labels}${values.map((value) => `${VALUE_SEPARATOR}${value}`).join("")}`;
}

test("TrafficTable counts requests by peer, service and route, whatever they were answered", () => {
  const taken = tableOf(
    http(served),
    http({ ...served, responseCode: "404" }),
    http(served, [40, 1, 2, ""]),
  ).take();
  assert.equal(taken.length, 1);
  const [[key, counts] = assert.fail()] = taken;
  assert.deepEqual(key, {
    reporter: "destination",
    peerWorkload: "web-v2",
    peerNamespace: "front",
    peerPrincipal: WEB,
    service: "reviews.shop.svc.cluster.local",
    route: "default",
    protocol: "http",
    security: "mutual_tls",
  });
  assert.deepEqual([requestCount(counts), counts.receivedBytes, counts.sentBytes], [3, 201, 1_802]);
  assert.deepEqual([counts.latency[5], counts.latency[10]], [2, 1]);
});

test("TrafficTable takes each request once", () => {
  const table = tableOf(http(served));
  assert.equal(table.take().length, 1);
  assert.ok(table.isEmpty);
  assert.deepEqual(table.take(), []);
});

for (const [what, fields, isFailure] of [
  ["a 503", { responseCode: "503" }, true],
  ["a 404", { responseCode: "404" }, false],
  ["no answer", { responseCode: "0", responseFlags: "DC" }, true],
  ["gRPC that ended with UNAVAILABLE", { responseCode: "200", grpcStatus: "14" }, true],
  ["gRPC that ended with NOT_FOUND", { responseCode: "200", grpcStatus: "5" }, false],
  ["gRPC that ended well", { responseCode: "200", grpcStatus: "0" }, false],
] as const) {
  test(`TrafficTable counts ${what} as ${isFailure ? "a failure" : "a success"}`, () => {
    const [[, counts] = assert.fail()] = tableOf(http({ ...served, ...fields })).take();
    assert.equal(counts.failures, isFailure ? 1 : 0);
  });
}

test("TrafficTable counts a gRPC call that broke off without a status as a failure", () => {
  const broken = { ...served, responseFlags: "UR" };
  const [[key, counts] = assert.fail()] = tableOf(http(broken, [1, 1, 1, "1,0"])).take();
  assert.deepEqual([key.protocol, counts.failures], ["grpc", 1]);
});

test("TrafficTable tells plaintext from a connection that never was", () => {
  const securities = tableOf(
    http({ responseCode: "200", service: "a.b;a;b" }),
    http({ responseCode: "503", responseFlags: "UH", service: "a.b;a;b" }),
  )
    .take()
    .map(([{ security }]) => security);
  assert.deepEqual(securities.sort(), ["none", "unknown"]);
});

test("TrafficTable counts a connection's bytes once, over reports", () => {
  const traffic = new TrafficTable();
  const metrics = new RequestMetrics({ own, traffic });
  const sums: number[][] = [];
  for (const lines of [[tcp("TcpPeriodic", 7, [100, 10])], [tcp("TcpConnectionEnd", 7, [150, 10])]]) {
    for (const line of lines) metrics.take(line);
    const [[, counts] = assert.fail()] = traffic.take();
    sums.push([counts.opened, counts.closed, counts.receivedBytes, counts.sentBytes]);
  }
  assert.deepEqual(sums, [
    [1, 0, 100, 10],
    [0, 1, 50, 0],
  ]);
});

test("TrafficTable makes a report that can be read of whatever clients invent, and loses no request", () => {
  const invented = Array.from({ length: 5_000 }, (_, at) =>
    http({ responseCode: "200", authority: `${"é\u0085\u202e".repeat(40)}${at}` }),
  );
  const series = tableOf(...invented).take();
  assert.ok(series.length <= MAX_SERIES_OF_REPORT, `${series.length} series`);
  const bytes = encodeTrafficReport({ run: "a", sequence: 0, series });
  assert.ok(bytes.length <= MAX_REPORT_BYTES, `${bytes.length} bytes`);
  const read = decodeTrafficReport(bytes).series;
  assert.equal(
    read.reduce((sum, [, counts]) => sum + requestCount(counts), 0),
    5_000,
  );
});
