// What an agent tells the control plane of its proxy's traffic every few seconds: the agent writes it, the control plane
// reads it as a claim. Nothing in it says whose traffic it is: the connection's certificate does.

import { LATENCY_BUCKET_COUNT } from "./latency-buckets.ts";
import { isPrintable, printable } from "./printable.ts";

/** A unary gRPC method; request and response are JSON, the response empty. */
export const TRAFFIC_REPORT_PATH = "/meltemi.traffic.v1.TrafficService/Report";

/** `source`: the proxy's own workload called; `destination`: it was called. */
export type TrafficReporter = "source" | "destination";
export type TrafficProtocol = "http" | "grpc" | "tcp";
/** `mutual_tls`: both ends showed a certificate; `none`: there was a connection without; `unknown`: there was none. */
export type TrafficSecurity = "mutual_tls" | "none" | "unknown";

/** What tells one series of a proxy from another. Empty text: not known. */
export interface TrafficKey {
  readonly reporter: TrafficReporter;
  readonly peerWorkload: string;
  readonly peerNamespace: string;
  /** The peer's SPIFFE id. */
  readonly peerPrincipal: string;
  /** Host of the service that was called. */
  readonly service: string;
  readonly route: string;
  readonly protocol: TrafficProtocol;
  readonly security: TrafficSecurity;
}

export interface TrafficCounts {
  /** Of the requests; their number is the sum of the buckets. */
  failures: number;
  /** Connections that aren't HTTP. */
  opened: number;
  closed: number;
  /** By the proxy from who called: of requests the size on the wire. */
  receivedBytes: number;
  sentBytes: number;
  /** Requests by how long they took, see latency-buckets. */
  readonly latency: number[];
}

export interface TrafficReport {
  /** Chosen by the agent at its start. */
  readonly run: string;
  /** Counts the reports of a run: one that comes twice is counted once. */
  readonly sequence: number;
  readonly series: readonly (readonly [TrafficKey, TrafficCounts])[];
}

export const MAX_SERIES_OF_REPORT = 500;
export const MAX_REPORT_BYTES = 1_048_576;
const MAX_TEXT_LENGTH = 512;
/** More than any proxy does between two reports; sums of it stay exact. */
const MAX_COUNT = 2 ** 31;
const MAX_BYTES = 2 ** 47;

export function emptyCounts(): TrafficCounts {
  const latency = new Array<number>(LATENCY_BUCKET_COUNT).fill(0);
  return { failures: 0, opened: 0, closed: 0, receivedBytes: 0, sentBytes: 0, latency };
}

export function addCounts(sum: TrafficCounts, counts: Readonly<TrafficCounts>): void {
  sum.failures += counts.failures;
  sum.opened += counts.opened;
  sum.closed += counts.closed;
  sum.receivedBytes += counts.receivedBytes;
  sum.sentBytes += counts.sentBytes;
  for (const [bucket, count] of counts.latency.entries())
    sum.latency[bucket] = (sum.latency[bucket] ?? 0) + count;
}

export function requestCount({ latency }: Readonly<TrafficCounts>): number {
  return latency.reduce((sum, count) => sum + count, 0);
}

// Lists rather than objects: a report is sent by every proxy every few seconds, and names of fields would be most of it.
export function encodeTrafficReport({ run, sequence, series }: TrafficReport): Uint8Array {
  const rows = series.map(([key, counts]) => [
    ...[key.reporter, key.peerWorkload, key.peerNamespace, key.peerPrincipal],
    ...[key.service, key.route, key.protocol, key.security],
    ...[counts.failures, counts.opened, counts.closed, counts.receivedBytes, counts.sentBytes],
    counts.latency.flatMap((count, bucket) => (count === 0 ? [] : [bucket, count])),
  ]);
  return Buffer.from(JSON.stringify([run, sequence, rows]));
}

/** Throws on anything that no agent of ours writes: too much, control characters, numbers that can't be. */
export function decodeTrafficReport(bytes: Uint8Array): TrafficReport {
  if (bytes.length > MAX_REPORT_BYTES) throw new Error(`${bytes.length} bytes are too many for a report`);
  const [run, sequence, rows, ...rest] = listOf(JSON.parse(Buffer.from(bytes).toString("utf8")));
  const read = listOf(rows);
  if (rest.length > 0 || read.length > MAX_SERIES_OF_REPORT) throw new Error("The report is too long");
  return { run: textOf(run), sequence: countOf(sequence, MAX_COUNT), series: read.map(readRow) };
}

function readRow(row: unknown): readonly [TrafficKey, TrafficCounts] {
  const [reporter, workload, namespace, principal, service, route, protocol, security, ...numbers] =
    listOf(row);
  const [failures, opened, closed, received, sent, latency, ...rest] = numbers;
  if (rest.length > 0) throw new Error("A series is too long");
  const counts: TrafficCounts = {
    failures: countOf(failures, MAX_COUNT),
    opened: countOf(opened, MAX_COUNT),
    closed: countOf(closed, MAX_COUNT),
    receivedBytes: countOf(received, MAX_BYTES),
    sentBytes: countOf(sent, MAX_BYTES),
    latency: readLatency(listOf(latency)),
  };
  if (counts.failures > requestCount(counts)) throw new Error("More requests failed than there were");
  const key: TrafficKey = {
    reporter: oneOf(reporter, ["source", "destination"]),
    peerWorkload: textOf(workload),
    peerNamespace: textOf(namespace),
    peerPrincipal: textOf(principal),
    service: textOf(service),
    route: textOf(route),
    protocol: oneOf(protocol, ["http", "grpc", "tcp"]),
    security: oneOf(security, ["mutual_tls", "none", "unknown"]),
  };
  return [key, counts];
}

function readLatency(pairs: readonly unknown[]): number[] {
  const { latency } = emptyCounts();
  if (pairs.length > 2 * LATENCY_BUCKET_COUNT) throw new Error("There are too many buckets");
  for (let at = 0; at < pairs.length; at += 2) {
    const bucket = countOf(pairs[at], LATENCY_BUCKET_COUNT - 1);
    latency[bucket] = countOf(pairs[at + 1], MAX_COUNT);
  }
  return latency;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error("There is no list where one is wanted");
  return value;
}

/** A text of a client's choice as a report may have it. */
export function reportedText(text: string): string {
  return printable(text.slice(0, MAX_TEXT_LENGTH));
}

function textOf(value: unknown): string {
  if (typeof value !== "string" || value.length > MAX_TEXT_LENGTH || !isPrintable(value))
    throw new Error("A text isn't one that can be shown");
  return value;
}

function countOf(value: unknown, max: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max)
    throw new Error("A number isn't one that can be counted");
  return value;
}

function oneOf<Word extends string>(value: unknown, words: readonly Word[]): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw new Error(`A word isn't one of ${words.join(", ")}`);
  return found;
}
