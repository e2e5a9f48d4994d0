// What a collector gets: a real HTTP server, and the protocol's own messages.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { silentLogger } from "../core/logger.ts";
import {
  type ExportTraceServiceRequest,
  ExportTraceServiceRequestSchema,
} from "../gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.ts";
import type { KeyValue } from "../gen/opentelemetry/proto/common/v1/common_pb.ts";
import { Status_StatusCode } from "../gen/opentelemetry/proto/trace/v1/trace_pb.ts";
import { openPushTraces } from "./open-push-traces.ts";
import type { TracedPush } from "./push-traces.ts";

const options = { version: "0.1.0", instance: "meltemi-1", log: silentLogger };

const push: TracedPush = {
  id: 7,
  cause: {
    trigger: "config",
    objects: [{ object: "VirtualService/shop/reviews", revision: "12" }, { object: "Service/shop/gone" }],
    objectCount: 14,
  },
  sinceMs: 1_767_225_600_000,
  proxyCount: 3,
  leftCount: 1,
  responseCount: 6,
  refusedCount: 0,
  bytes: 12_300,
  cpuMs: 4.25,
  lastInStepMs: 1_767_225_600_081,
};

async function startCollector(t: TestContext) {
  const requests: { readonly path: string; readonly body: ExportTraceServiceRequest }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = fromBinary(ExportTraceServiceRequestSchema, Buffer.concat(chunks));
    requests.push({ path: request.url ?? "", body });
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** The exporter reads the process's own environment. */
function setEndpoint(t: TestContext, url: string) {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url;
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  });
}

test("a push is a span with its cause, its cost and its time", async (t) => {
  const { url, requests } = await startCollector(t);
  setEndpoint(t, url);
  const traces = await openPushTraces(process.env, options);
  assert.ok(traces);
  traces.settled(push);
  traces.settled({ ...push, id: 8, refusedCount: 2 });
  await traces.close();
  assert.deepEqual(
    requests.map(({ path }) => path),
    ["/v1/traces"],
  );
  const [resourceSpans] = requests[0]?.body.resourceSpans ?? [];
  assert.deepEqual(valuesOf(resourceSpans?.resource?.attributes), {
    "service.name": "meltemi",
    "service.version": "0.1.0",
    "service.instance.id": "meltemi-1",
  });
  const [span, refused] = resourceSpans?.scopeSpans[0]?.spans ?? [];
  assert.ok(span && refused);
  assert.equal(span.name, "push");
  assert.equal(span.endTimeUnixNano - span.startTimeUnixNano, 81_000_000n);
  assert.equal(span.startTimeUnixNano, 1_767_225_600_000_000_000n);
  assert.deepEqual(valuesOf(span.attributes), {
    "meltemi.push.id": 7n,
    "meltemi.push.trigger": "config",
    "meltemi.push.object_count": 14n,
    "meltemi.push.proxy_count": 3n,
    "meltemi.push.left_count": 1n,
    "meltemi.push.response_count": 6n,
    "meltemi.push.refused_count": 0n,
    "meltemi.push.bytes": 12_300n,
    "meltemi.push.cpu_ms": 4.25,
  });
  assert.deepEqual(
    span.events.map(({ attributes }) => valuesOf(attributes)),
    [
      { "meltemi.object": "VirtualService/shop/reviews", "meltemi.object.revision": "12" },
      { "meltemi.object": "Service/shop/gone" },
    ],
  );
  assert.equal(span.status?.code ?? Status_StatusCode.UNSET, Status_StatusCode.UNSET);
  assert.equal(refused.status?.code, Status_StatusCode.ERROR);
  assert.notDeepEqual(refused.traceId, span.traceId);
});

test("a collector that isn't there is told in the log, and nothing fails", async (t) => {
  setEndpoint(t, "http://127.0.0.1:9");
  process.env.OTEL_EXPORTER_OTLP_TIMEOUT = "100";
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_TIMEOUT;
  });
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: object, event: string) => void warnings.push(event) };
  const traces = await openPushTraces(process.env, { ...options, log });
  traces?.settled(push);
  await traces?.close();
  assert.ok(
    warnings.some((event) => event.startsWith("push traces: ")),
    String(warnings),
  );
});

for (const environment of [
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: "" },
  { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", OTEL_TRACES_EXPORTER: "none" },
  { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", OTEL_SDK_DISABLED: "true" },
]) {
  test(`nothing is traced with ${JSON.stringify(environment)}`, async () => {
    assert.equal(await openPushTraces(environment, options), undefined);
  });
}

function valuesOf(attributes: readonly KeyValue[] = []) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value?.value.value]));
}
