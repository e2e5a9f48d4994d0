// Each push of the control plane as a span, sent by OTLP over HTTP. It is set up by OpenTelemetry's own environment
// variables, and nothing of it is loaded where they don't name a collector.

import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "../core/logger.ts";

/** Fits the ledger of pushes. */
export interface TracedPush {
  readonly id: number;
  readonly cause: {
    readonly trigger: string;
    readonly objects?: readonly { readonly object: string; readonly revision?: string }[];
    readonly objectCount?: number;
    readonly proxy?: string;
  };
  readonly sinceMs: number;
  readonly proxyCount: number;
  readonly leftCount: number;
  readonly responseCount: number;
  readonly refusedCount: number;
  readonly bytes: number;
  readonly cpuMs: number;
  readonly lastInStepMs?: number;
}

export interface PushTraces {
  settled(push: TracedPush): void;
  /** What is told so far has been sent, or given up. */
  close(): Promise<void>;
}

export interface PushTraceOptions {
  readonly version: string;
  /** Of the replica. */
  readonly instance: string;
  /** `OTEL_SERVICE_NAME`; `meltemi` unless given. */
  readonly serviceName: string | undefined;
  readonly log: Logger;
}

/** A process that ends doesn't wait longer for its collector. */
const FLUSH_LIMIT_MS = 2_000;

/** The collector's place, headers and time limits are read from the environment by the exporter: `OTEL_EXPORTER_OTLP_*`. */
export function createPushTraces(options: PushTraceOptions): PushTraces {
  const { version, instance, serviceName = "meltemi", log } = options;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": serviceName,
      "service.version": version,
      "service.instance.id": instance,
    }),
    // A queue of 2,048 spans: a collector that hangs costs no more memory than that.
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer("meltemi", version);
  return {
    settled(push) {
      const { id, cause, sinceMs, lastInStepMs = sinceMs, refusedCount } = push;
      const span = tracer.startSpan("push", {
        root: true,
        kind: SpanKind.INTERNAL,
        startTime: sinceMs,
        attributes: {
          "meltemi.push.id": id,
          "meltemi.push.trigger": cause.trigger,
          ...(cause.proxy === undefined ? {} : { "meltemi.push.proxy": cause.proxy }),
          "meltemi.push.object_count": cause.objectCount ?? cause.objects?.length ?? 0,
          "meltemi.push.proxy_count": push.proxyCount,
          "meltemi.push.left_count": push.leftCount,
          "meltemi.push.response_count": push.responseCount,
          "meltemi.push.refused_count": refusedCount,
          "meltemi.push.bytes": push.bytes,
          "meltemi.push.cpu_ms": push.cpuMs,
        },
      });
      for (const { object, revision } of cause.objects ?? []) {
        const known = revision === undefined ? {} : { "meltemi.object.revision": revision };
        span.addEvent("changed", { "meltemi.object": object, ...known }, sinceMs);
      }
      if (refusedCount > 0)
        span.setStatus({ code: SpanStatusCode.ERROR, message: `${refusedCount} responses were refused` });
      span.end(lastInStepMs);
    },
    async close() {
      try {
        await provider.forceFlush({ timeoutMillis: FLUSH_LIMIT_MS });
      } catch (error) {
        log.warn({ error }, "push traces: the last ones aren't sent");
      }
    },
  };
}
