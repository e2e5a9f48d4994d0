// Istio's standard metrics, made of the lines that Envoy writes for each request and connection.

import {
  CONNECTION_END_EVENT,
  FIELD_SEPARATOR,
  httpRecordFields,
  httpRecordValues,
  RECORD_MARK,
  tcpRecordFields,
  tcpRecordValues,
  VALUE_SEPARATOR,
} from "../../core/telemetry-record.ts";
import type { WorkloadDescription } from "../../core/workload-description.ts";
import type { TrafficTable } from "../traffic/traffic-table.ts";
import { DEFAULT_BOUNDS, Histogram } from "./histogram.ts";
import { httpLabels, type RecordFields, tcpLabels } from "./request-labels.ts";
import { SeriesTable } from "./series-table.ts";

export interface RequestMetricsOptions {
  /** The agent's own pod. */
  readonly own: WorkloadDescription;
  /** Bounds of histograms by prefix of a metric's name; others have Istio's. */
  readonly histogramBuckets?: Readonly<Record<string, readonly number[]>>;
  /** Label sets of HTTP, and of TCP; 2,000 unless given. */
  readonly maxLabelSets?: number;
  /** Is given the same records, for the control plane. */
  readonly traffic?: TrafficTable;
}

interface HttpSeries {
  readonly labels: string;
  requests: number;
  readonly duration: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
  /** Of gRPC; undefined where no call was one. */
  messages: { request: number; response: number } | undefined;
}

interface TcpSeries {
  readonly labels: string;
  opened: number;
  closed: number;
  received: number;
  sent: number;
}

interface OpenConnection {
  readonly series: TcpSeries;
  /** What was counted of it. */
  readonly received: number;
  readonly sent: number;
}

const DEFAULT_MAX_LABEL_SETS = 2_000;

export class RequestMetrics {
  readonly #options: RequestMetricsOptions;
  readonly #http: SeriesTable<HttpSeries>;
  readonly #tcp: SeriesTable<TcpSeries>;
  readonly #connections = new Map<string, OpenConnection>();
  #unreadable = 0;

  constructor(options: RequestMetricsOptions) {
    this.#options = options;
    const { maxLabelSets = DEFAULT_MAX_LABEL_SETS } = options;
    const bounds = (name: string) => boundsOf(name, options.histogramBuckets);
    this.#http = new SeriesTable(maxLabelSets, (labels) => ({
      labels,
      requests: 0,
      duration: new Histogram(bounds(DURATION)),
      requestBytes: new Histogram(bounds(REQUEST_BYTES)),
      responseBytes: new Histogram(bounds(RESPONSE_BYTES)),
      messages: undefined,
    }));
    this.#tcp = new SeriesTable(maxLabelSets, (labels) => ({
      labels,
      opened: 0,
      closed: 0,
      received: 0,
      sent: 0,
    }));
  }

  /** Takes a line of Envoy's output if it is a record, and says whether it was. */
  take(line: string): boolean {
    if (!line.startsWith(RECORD_MARK)) return false;
    const end = line.indexOf(VALUE_SEPARATOR);
    const key = line.slice(2, end);
    const values = line.slice(end + 1).split(VALUE_SEPARATOR);
    const isTaken = line[1] === "H" ? this.#takeHttp(key, values) : this.#takeTcp(key, values);
    if (!isTaken) this.#unreadable += 1;
    return true;
  }

  /** Envoy has ended, and all connections with it: another one numbers its own from the start. */
  envoyEnded(): void {
    for (const { series } of this.#connections.values()) series.closed += 1;
    this.#connections.clear();
  }

  #takeHttp(key: string, values: readonly string[]): boolean {
    const [duration = Number.NaN, received = Number.NaN, sent = Number.NaN] = values.slice(0, 3).map(Number);
    const messages = values[3] ?? "";
    if (Number.isNaN(duration + received + sent) || values.length !== httpRecordValues.length) return false;
    const isGrpc = messages !== "";
    const line = isGrpc ? `g${key}` : key;
    const read = () => {
      const fields = readFields(httpRecordFields, key);
      if (fields === undefined) return undefined;
      return { fields, labels: httpLabels(this.#options.own, fields, isGrpc || fields.grpcStatus !== "") };
    };
    const series = this.#http.of(line, () => read()?.labels);
    if (series === undefined) return false;
    this.#options.traffic?.addRequest(line, read, {
      durationMs: duration,
      receivedBytes: received,
      sentBytes: sent,
    });
    series.requests += 1;
    series.duration.observe(duration);
    series.requestBytes.observe(received);
    series.responseBytes.observe(sent);
    if (isGrpc) {
      const [request = "0", response = "0"] = messages.split(",");
      series.messages ??= { request: 0, response: 0 };
      series.messages.request += Number(request);
      series.messages.response += Number(response);
    }
    return true;
  }

  /** Bytes are told from the connection's start: what was counted before is taken off. */
  #takeTcp(key: string, [event, connection = "", ...bytes]: readonly string[]): boolean {
    const [received = Number.NaN, sent = Number.NaN] = bytes.map(Number);
    if (Number.isNaN(received + sent) || bytes.length + 2 !== tcpRecordValues.length) return false;
    const read = () => {
      const fields = readFields(tcpRecordFields, key);
      return fields && { fields, labels: tcpLabels(this.#options.own, fields) };
    };
    const series = this.#tcp.of(key, () => read()?.labels);
    if (series === undefined) return false;
    const before = this.#connections.get(connection);
    const news = {
      opened: before === undefined ? 1 : 0,
      closed: event === CONNECTION_END_EVENT ? 1 : 0,
      receivedBytes: received - (before?.received ?? 0),
      sentBytes: sent - (before?.sent ?? 0),
    };
    series.opened += news.opened;
    series.closed += news.closed;
    series.received += news.receivedBytes;
    series.sent += news.sentBytes;
    this.#options.traffic?.addConnection(key, read, news);
    if (news.closed === 0) this.#connections.set(connection, { series, received, sent });
    else this.#connections.delete(connection);
    return true;
  }

  /** Prometheus' text format, family by family. */
  *text(): Generator<string> {
    yield* this.#httpText();
    yield* this.#tcpText();
    yield family("meltemi_agent_records_over_label_budget_total", "counter");
    yield `meltemi_agent_records_over_label_budget_total ${this.#http.overflowCount + this.#tcp.overflowCount}\n`;
    yield family("meltemi_agent_unreadable_records_total", "counter");
    yield `meltemi_agent_unreadable_records_total ${this.#unreadable}\n`;
  }

  *#httpText(): Generator<string> {
    const all = this.#http.all();
    if (all.length === 0) return;
    yield family("istio_requests_total", "counter");
    for (const { labels, requests } of all) yield `istio_requests_total{${labels}} ${requests}\n`;
    yield family(DURATION, "histogram");
    for (const { labels, duration } of all) yield duration.text(DURATION, labels);
    yield family(REQUEST_BYTES, "histogram");
    for (const { labels, requestBytes } of all) yield requestBytes.text(REQUEST_BYTES, labels);
    yield family(RESPONSE_BYTES, "histogram");
    for (const { labels, responseBytes } of all) yield responseBytes.text(RESPONSE_BYTES, labels);
    for (const side of ["request", "response"] as const) {
      const ofGrpc = all.filter(({ messages }) => messages !== undefined);
      if (ofGrpc.length > 0) yield family(`istio_${side}_messages_total`, "counter");
      for (const { labels, messages } of ofGrpc)
        yield `istio_${side}_messages_total{${labels}} ${messages?.[side] ?? 0}\n`;
    }
  }

  *#tcpText(): Generator<string> {
    const all = this.#tcp.all();
    if (all.length === 0) return;
    for (const [name, read] of tcpFamilies) {
      yield family(name, "counter");
      for (const series of all) yield `${name}{${series.labels}} ${read(series)}\n`;
    }
  }
}

const DURATION = "istio_request_duration_milliseconds";
const REQUEST_BYTES = "istio_request_bytes";
const RESPONSE_BYTES = "istio_response_bytes";

const tcpFamilies: readonly (readonly [string, (series: TcpSeries) => number])[] = [
  ["istio_tcp_connections_opened_total", ({ opened }) => opened],
  ["istio_tcp_connections_closed_total", ({ closed }) => closed],
  ["istio_tcp_received_bytes_total", ({ received }) => received],
  ["istio_tcp_sent_bytes_total", ({ sent }) => sent],
];

function family(name: string, type: "counter" | "histogram"): string {
  return `# TYPE ${name} ${type}\n`;
}

function readFields(names: readonly (keyof RecordFields)[], text: string): RecordFields | undefined {
  const parts = text.split(FIELD_SEPARATOR);
  if (parts.length !== names.length) return undefined;
  return Object.fromEntries(names.map((name, at) => [name, parts[at]])) as unknown as RecordFields;
}

function boundsOf(name: string, buckets: RequestMetricsOptions["histogramBuckets"] = {}): readonly number[] {
  return Object.entries(buckets).find(([prefix]) => name.startsWith(prefix))?.[1] ?? DEFAULT_BOUNDS;
}
