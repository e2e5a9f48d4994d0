// A collector in the mesh that proxies send spans and logs to, and the spans that it was sent, read by each protocol's own rules.

import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { decode } from "@msgpack/msgpack";
import { ExportTraceServiceRequestSchema } from "../../../src/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.ts";
import type { AnyValue, KeyValue } from "../../../src/gen/opentelemetry/proto/common/v1/common_pb.ts";
import { Span_SpanKind } from "../../../src/gen/opentelemetry/proto/trace/v1/trace_pb.ts";
import type { PodClient } from "./pod-client.ts";

const program = fileURLToPath(new URL("app/collector.mjs", import.meta.url));

/** It has no sidecar: that would trace and log what is sent. */
export const collectorManifest = `
apiVersion: v1
kind: Service
metadata: { name: collector, namespace: test }
spec:
  selector: { app: collector }
  ports: [{ name: http, port: 8080 }, { name: grpc, port: 9090 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: collector, namespace: test }
spec:
  selector: { matchLabels: { app: collector } }
  template:
    metadata: { labels: { app: collector, sidecar.istio.io/inject: "false" } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: collector
          image: none
          command: ["${process.execPath}", "${program}"]
          readinessProbe: { httpGet: { path: /ready, port: 8080 }, periodSeconds: 1 }
`;

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export type Behaviour = "answers" | "hangs" | "is gone";

/** What senders get. `client` is of the collector's own pod. */
export async function behave(client: PodClient, behaviour: Behaviour): Promise<void> {
  await client.request({ url: "http://127.0.0.1:8080/behaviour", method: "PUT", body: behaviour });
}

/** `client` is of the collector's own pod. */
export async function receivedBy(client: PodClient): Promise<readonly Received[]> {
  const { body } = await client.request("http://127.0.0.1:8080/received");
  const received = JSON.parse(body) as readonly (Omit<Received, "body"> & { readonly body: string })[];
  return received.map((each) => ({ ...each, body: Buffer.from(each.body, "base64") }));
}

export interface Span {
  /** 16 digits where the protocol has no more. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentId: string;
  readonly kind: "client" | "server" | "other";
  readonly service: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

export function spansIn(received: readonly Received[]): readonly Span[] {
  return received.flatMap(({ path, body }) => {
    if (path === "/v1/traces" || path.endsWith("TraceService/Export")) return openTelemetrySpans(body);
    if (path.startsWith("/api/v2/spans")) return zipkinSpans(body);
    if (path.startsWith("/v0.4/traces")) return datadogSpans(body);
    return path.endsWith("TraceSegmentReportService/collect") ? skyWalkingSpans(body) : [];
  });
}

function openTelemetrySpans(body: Buffer): readonly Span[] {
  const { resourceSpans } = fromBinary(ExportTraceServiceRequestSchema, body);
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const own = tagsOf(resource?.attributes ?? []);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: hex(span.parentSpanId),
        kind: kindOf(Span_SpanKind[span.kind] ?? ""),
        service: own["service.name"] ?? "",
        name: span.name,
        tags: tagsOf(span.attributes),
      })),
    );
  });
}

function tagsOf(attributes: readonly KeyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, textOf(value)]));
}

function textOf(value: AnyValue | undefined): string {
  return String(value?.value.value ?? "");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function kindOf(text: string): Span["kind"] {
  const kind = text.toLowerCase();
  return kind === "client" || kind === "server" ? kind : "other";
}

interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly localEndpoint?: { readonly serviceName?: string };
  readonly tags?: Readonly<Record<string, string>>;
}

function zipkinSpans(body: Buffer): readonly Span[] {
  const spans = JSON.parse(body.toString()) as readonly ZipkinSpan[];
  return spans.map(({ traceId, id, parentId = "", kind = "", name = "", localEndpoint, tags = {} }) => ({
    ...{ traceId, spanId: id, parentId, kind: kindOf(kind) },
    ...{ service: localEndpoint?.serviceName ?? "", name, tags },
  }));
}

interface DatadogSpan {
  readonly trace_id: number | bigint;
  readonly span_id: number | bigint;
  readonly parent_id: number | bigint;
  readonly service: string;
  readonly resource: string;
  readonly meta: Readonly<Record<string, string>>;
}

function datadogSpans(body: Buffer): readonly Span[] {
  const traces = decode(body, { useBigInt64: true }) as readonly (readonly DatadogSpan[])[];
  const digits = (id: number | bigint) =>
    BigInt(id) === 0n ? "" : BigInt(id).toString(16).padStart(16, "0");
  return traces.flat().map(({ trace_id, span_id, parent_id, service, resource, meta }) => ({
    ...{ traceId: digits(trace_id), spanId: digits(span_id), parentId: digits(parent_id) },
    ...{ kind: kindOf(meta["span.kind"] ?? ""), service, name: resource, tags: meta },
  }));
}

/** Of skywalking.v3.SegmentObject what is compared; a parent is told by a reference to another segment. */
function skyWalkingSpans(body: Buffer): readonly Span[] {
  const segment = fieldsOf(body);
  const [traceId, segmentId, service] = [1, 2, 4].map((number) => segment.get(number)?.[0]?.toString() ?? "");
  return (segment.get(3) ?? []).map((bytes) => {
    const span = fieldsOf(bytes as Buffer);
    const [reference] = span.get(5) ?? [];
    const parent = reference === undefined ? undefined : fieldsOf(reference as Buffer);
    const id = (number: number) => Number(span.get(number)?.[0] ?? 0);
    const parentId =
      parent === undefined
        ? id(2) === -1
          ? ""
          : `${segmentId}-${id(2)}`
        : `${parent.get(3)?.[0]?.toString()}-${Number(parent.get(4)?.[0] ?? 0)}`;
    return {
      ...{ traceId: traceId ?? "", spanId: `${segmentId}-${id(1)}`, parentId, service: service ?? "" },
      kind: id(8) === 0 ? "server" : id(8) === 1 ? "client" : "other",
      name: span.get(6)?.[0]?.toString() ?? "",
      tags: {},
    };
  });
}

/** By number; bytes for what has a length, else numbers. */
function fieldsOf(message: Buffer): ReadonlyMap<number, readonly (Buffer | number)[]> {
  const fields = new Map<number, (Buffer | number)[]>();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    if (type === 2) values.push(Buffer.from(reader.bytes()));
    else if (type === 0) values.push(Number(BigInt.asIntN(32, BigInt(reader.int64()))));
    else reader.skip(type);
  }
  return fields;
}
