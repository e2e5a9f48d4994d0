import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  FIELD_SEPARATOR,
  httpRecordFields,
  RECORD_MARK,
  tcpRecordFields,
  VALUE_SEPARATOR,
} from "../../core/telemetry-record.ts";
import { describeWorkload } from "../../core/workload-description.ts";
import { RequestMetrics, type RequestMetricsOptions } from "./request-metrics.ts";

const own = describeWorkload({ workloadName: "web", namespace: "shop", labels: { app: "web" } });

function metricsOf(options: Partial<RequestMetricsOptions> = {}) {
  const metrics = new RequestMetrics({ own, ...options });
  /** The value of the one series of a metric whose labels hold these. */
  const value = (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const lines = [...metrics.text()].join("").split("\n");
    const found = lines.filter(
      (line) =>
        line.startsWith(`${name}{`) &&
        Object.entries(labels).every(([label, text]) => line.includes(`${label}="${text}"`)),
    );
    assert.ok(found.length <= 1, `several series:\n${found.join("\n")}`);
    return found[0] === undefined ? undefined : Number(found[0].slice(found[0].lastIndexOf(" ")));
  };
  return { metrics, value };
}

function http(fields: Readonly<Record<string, string>>, ...values: readonly (number | string)[]): string {
  const all: Readonly<Record<string, string>> = { side: "c", responseCode: "200", ...fields };
  return record(
    "H",
    httpRecordFields.map((name) => all[name] ?? ""),
    values,
  );
}

function tcp(event: string, connection: number, ...bytes: readonly number[]): string {
  const all: Readonly<Record<string, string>> = { side: "m", cluster: "inbound|6379||" };
  return record(
    "T",
    tcpRecordFields.map((name) => all[name] ?? ""),
    [event, connection, ...bytes],
  );
}

function record(kind: string, fields: readonly string[], values: readonly (number | string)[]): string {
  return `${RECORD_MARK}${kind}${fields.join(FIELD_SEPARATOR)}${values.map((each) => `${VALUE_SEPARATOR}${each}`).join("")}`;
}

describe("RequestMetrics", () => {
  it("leaves other lines to the log", () => {
    const { metrics } = metricsOf();
    assert.equal(metrics.take("[2026-12-01] warning envoy config"), false);
    assert.equal(metrics.take(""), false);
  });

  it("counts requests, and observes their time and sizes", () => {
    const { metrics, value } = metricsOf();
    for (const [ms, received, sent] of [
      [3, 100, 2_000],
      [5, 200, 3_000],
      [70, 300, 4_000],
    ])
      assert.equal(metrics.take(http({}, ms ?? 0, received ?? 0, sent ?? 0, "")), true);
    metrics.take(http({ responseCode: "503", responseFlags: "UH" }, 1, 1, 1, ""));
    const ok = { response_code: "200" };
    assert.equal(value("istio_requests_total", ok), 3);
    assert.equal(value("istio_requests_total", { response_code: "503", response_flags: "UH" }), 1);
    // A bound is of its own bucket, and each bucket holds those below.
    const bucket = (le: string) => value("istio_request_duration_milliseconds_bucket", { ...ok, le });
    assert.deepEqual(
      [bucket("1"), bucket("5"), bucket("50"), bucket("100"), bucket("+Inf")],
      [0, 2, 2, 3, 3],
    );
    assert.equal(value("istio_request_duration_milliseconds_sum", ok), 78);
    assert.equal(value("istio_request_bytes_sum", ok), 600);
    assert.equal(value("istio_response_bytes_count", ok), 3);
    assert.equal(value("istio_request_messages_total", ok), undefined);
  });

  it("adds up the messages of gRPC calls", () => {
    const { metrics, value } = metricsOf();
    metrics.take(http({ grpcStatus: "0" }, 1, 1, 1, "3,5"));
    metrics.take(http({ grpcStatus: "0" }, 1, 1, 1, "1,0"));
    const grpc = { request_protocol: "grpc", grpc_response_status: "0" };
    assert.equal(value("istio_requests_total", grpc), 2);
    assert.equal(value("istio_request_messages_total", grpc), 4);
    assert.equal(value("istio_response_messages_total", grpc), 5);
  });

  it("counts a call of gRPC that was never answered as one", () => {
    const { metrics, value } = metricsOf();
    metrics.take(http({ responseCode: "0", responseFlags: "DC" }, 1, 1, 1, "1,0"));
    assert.equal(value("istio_requests_total", { request_protocol: "grpc", response_flags: "DC" }), 1);
  });

  it("counts bytes of a connection once, however often they are told", () => {
    const { metrics, value } = metricsOf();
    metrics.take(tcp("TcpUpstreamConnected", 7, 0, 0));
    assert.equal(value("istio_tcp_connections_opened_total"), 1);
    assert.equal(value("istio_tcp_connections_closed_total"), 0);
    metrics.take(tcp("TcpPeriodic", 7, 100, 10));
    metrics.take(tcp("TcpPeriodic", 7, 150, 30));
    assert.equal(value("istio_tcp_received_bytes_total"), 150);
    metrics.take(tcp("TcpConnectionEnd", 7, 160, 30));
    assert.equal(value("istio_tcp_received_bytes_total"), 160);
    assert.equal(value("istio_tcp_sent_bytes_total"), 30);
    assert.equal(value("istio_tcp_connections_opened_total"), 1);
    assert.equal(value("istio_tcp_connections_closed_total"), 1);
    // One that never reached its server is told of at its end alone.
    metrics.take(tcp("TcpConnectionEnd", 8, 5, 0));
    assert.equal(value("istio_tcp_connections_opened_total"), 2);
    assert.equal(value("istio_tcp_connections_closed_total"), 2);
  });

  it("counts the connections of an Envoy that has ended as closed, and takes their numbers as new", () => {
    const { metrics, value } = metricsOf();
    metrics.take(tcp("TcpPeriodic", 7, 100, 10));
    metrics.envoyEnded();
    metrics.take(tcp("TcpPeriodic", 7, 20, 2));
    assert.equal(value("istio_tcp_connections_opened_total"), 2);
    assert.equal(value("istio_tcp_connections_closed_total"), 1);
    assert.equal(value("istio_tcp_received_bytes_total"), 120);
  });

  it("counts label sets beyond the budget together, and loses no request", () => {
    const { metrics, value } = metricsOf({ maxLabelSets: 3 });
    for (let at = 0; at < 50; at += 1) metrics.take(http({ authority: `host-${at}.example` }, 1, 1, 1, ""));
    const text = [...metrics.text()].join("");
    const requests = [...text.matchAll(/^istio_requests_total\{.*\} (\d+)$/gm)].map((found) =>
      Number(found[1]),
    );
    assert.deepEqual(requests, [1, 1, 1, 47]);
    assert.equal(value("istio_requests_total", { destination_service: "overflow", reporter: "source" }), 47);
    assert.match(text, /^meltemi_agent_records_over_label_budget_total 47$/m);
  });

  it("escapes what a caller names", () => {
    const { metrics } = metricsOf();
    metrics.take(http({ authority: 'a"b\\c' }, 1, 1, 1, ""));
    assert.match([...metrics.text()].join(""), /destination_service="a\\"b\\\\c"/);
  });

  it("has the bounds that the pod asks for, by the beginning of a metric's name", () => {
    const { metrics, value } = metricsOf({ histogramBuckets: { istio_request_duration: [10, 20] } });
    metrics.take(http({}, 15, 1, 1, ""));
    assert.equal(value("istio_request_duration_milliseconds_bucket", { le: "20" }), 1);
    assert.equal(value("istio_request_duration_milliseconds_bucket", { le: "500" }), undefined);
    assert.equal(value("istio_request_bytes_bucket", { le: "500" }), 1);
  });

  it("counts a record that it can't read, and takes none for another", () => {
    const { metrics } = metricsOf();
    for (const line of [
      RECORD_MARK,
      `${RECORD_MARK}H`,
      `${RECORD_MARK}X${VALUE_SEPARATOR}1`,
      http({}, "a", 1, 1, ""),
      http({}, 1, 1),
      tcp("TcpPeriodic", 7, 1),
      `${RECORD_MARK}Hc${FIELD_SEPARATOR}200${VALUE_SEPARATOR}1${VALUE_SEPARATOR}1${VALUE_SEPARATOR}1${VALUE_SEPARATOR}`,
    ])
      assert.equal(metrics.take(line), true, JSON.stringify(line));
    const text = [...metrics.text()].join("");
    assert.match(text, /^meltemi_agent_unreadable_records_total 7$/m);
    assert.doesNotMatch(text, /^istio_/m);
  });
});
