// What a proxy's requests and connections come to, per peer, service and route, since it was last told to the control
// plane. Its memory is bounded by the series of one report: what is beyond counts together.

import { detached } from "../../core/detached.ts";
import { latencyBucketOf } from "../../core/latency-buckets.ts";
import {
  emptyCounts,
  MAX_SERIES_OF_REPORT,
  reportedText,
  type TrafficCounts,
  type TrafficKey,
  type TrafficProtocol,
  type TrafficReport,
  type TrafficSecurity,
} from "../../core/traffic-report.ts";
import type { Labels, RecordFields } from "../metrics/request-labels.ts";

/** A record's fields, and the labels that Istio's metrics have of it. */
export interface TrafficRecord {
  readonly fields: RecordFields;
  readonly labels: Labels;
}

export interface EndedRequest {
  readonly durationMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** What a connection did since it was last told of. */
export type ConnectionNews = Pick<TrafficCounts, "opened" | "closed" | "receivedBytes" | "sentBytes">;

interface Line {
  readonly counts: TrafficCounts;
  readonly isFailure: boolean;
}

/** What is beyond takes four more: of requests and of connections, as who calls and as who is called. */
const MAX_SERIES = MAX_SERIES_OF_REPORT - 4;
const OVERFLOW = "overflow";

export class TrafficTable {
  /** Cut out of Envoy's output: what a record says up to its numbers. */
  #lines = new Map<string, Line>();
  #series = new Map<string, readonly [TrafficKey, TrafficCounts]>();

  get isEmpty(): boolean {
    return this.#series.size === 0;
  }

  /** `read` is asked where the line is new since the last report; what can't be read isn't counted. */
  addRequest(text: string, read: () => TrafficRecord | undefined, ended: EndedRequest): void {
    const line = this.#line(text, read);
    if (line === undefined) return;
    const { counts, isFailure } = line;
    const bucket = latencyBucketOf(ended.durationMs);
    counts.latency[bucket] = (counts.latency[bucket] ?? 0) + 1;
    counts.receivedBytes += ended.receivedBytes;
    counts.sentBytes += ended.sentBytes;
    if (isFailure) counts.failures += 1;
  }

  addConnection(text: string, read: () => TrafficRecord | undefined, news: ConnectionNews): void {
    const counts = this.#line(text, read)?.counts;
    if (counts === undefined) return;
    counts.opened += news.opened;
    counts.closed += news.closed;
    counts.receivedBytes += news.receivedBytes;
    counts.sentBytes += news.sentBytes;
  }

  /** What came since the last time; the table is empty then. */
  take(): TrafficReport["series"] {
    const taken = [...this.#series.values()];
    this.#series = new Map();
    this.#lines = new Map();
    return taken;
  }

  #line(text: string, read: () => TrafficRecord | undefined): Line | undefined {
    const known = this.#lines.get(text);
    if (known !== undefined) return known;
    const record = read();
    if (record === undefined) return undefined;
    const line = { counts: this.#countsOf(trafficKey(record)), isFailure: isFailure(record) };
    if (this.#lines.size < MAX_KNOWN_LINES) this.#lines.set(detached(text), line);
    return line;
  }

  #countsOf(key: TrafficKey): TrafficCounts {
    const text = Object.values(key).join("\n");
    const known = this.#series.get(text);
    if (known !== undefined) return known[1];
    if (this.#series.size >= MAX_SERIES && key.peerWorkload !== OVERFLOW)
      return this.#countsOf(overflowOf(key));
    const counts = emptyCounts();
    this.#series.set(text, [key, counts]);
    return counts;
  }
}

const MAX_KNOWN_LINES = 4_000;

function overflowOf({ reporter, protocol }: TrafficKey): TrafficKey {
  const isTcp = protocol === "tcp";
  return {
    reporter,
    peerWorkload: OVERFLOW,
    peerNamespace: "",
    peerPrincipal: "",
    service: OVERFLOW,
    route: "",
    protocol: isTcp ? "tcp" : "http",
    security: "unknown",
  };
}

function trafficKey({ fields, labels }: TrafficRecord): TrafficKey {
  const label = (name: string) => labels.find(([each]) => each === name)?.[1] ?? "";
  const known = (name: string) => (label(name) === "unknown" ? "" : reportedText(label(name)));
  const isCaller = fields.side === "c";
  const peer = isCaller ? "destination" : "source";
  return {
    reporter: isCaller ? "source" : "destination",
    peerWorkload: known(`${peer}_workload`),
    peerNamespace: known(`${peer}_workload_namespace`),
    peerPrincipal: known(`${peer}_principal`),
    service: known("destination_service"),
    route: reportedText(fields.routeName ?? ""),
    protocol: label("request_protocol") as TrafficProtocol,
    security: securityOf(fields),
  };
}

function securityOf({ peerPrincipal, localPrincipal, responseFlags }: RecordFields): TrafficSecurity {
  if (peerPrincipal !== "" && localPrincipal !== "") return "mutual_tls";
  // A caller that reached nobody has nothing to say of it.
  return NO_CONNECTION.test(responseFlags) ? "unknown" : "none";
}

const NO_CONNECTION = /\b(?:UH|UF|UO|NR|NC|DF|RL|FI|UAEX|RLSE|IH|DI)\b/;

/** OpenTelemetry's list of what is the server's fault: unknown, deadline, unimplemented, internal, unavailable, data loss. */
const FAILED_CALLS: ReadonlySet<string> = new Set(["2", "4", "12", "13", "14", "15"]);

/** No answer at all, 5xx, or a gRPC status that is the server's fault or never came. */
function isFailure({ fields, labels }: TrafficRecord): boolean {
  const { responseCode = "", grpcStatus = "", responseFlags } = fields;
  const code = Number(responseCode);
  if (code === 0 || code >= 500) return true;
  const isGrpc = labels.some(([name, value]) => name === "request_protocol" && value === "grpc");
  if (!isGrpc) return false;
  return grpcStatus === "" ? responseFlags !== "" : FAILED_CALLS.has(grpcStatus);
}
