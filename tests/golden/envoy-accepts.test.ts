// What is generated for meshes that use every feature must load in an unmodified Envoy: each layer of resources is
// put into a bootstrap, which Envoy validates.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encode } from "../../src/envoy/encode.ts";
import { buildVirtualInbound } from "../../src/envoy/listener/virtual-inbound.ts";
import { buildClosedSlot } from "../../src/envoy/policy-slot/closed-slot.ts";
import { httpSlotName } from "../../src/envoy/policy-slot/http-slot.ts";
import { networkSlotName } from "../../src/envoy/policy-slot/network-slot.ts";
import { httpPolicySlots, networkPolicySlots } from "../../src/envoy/slot-order.ts";
import { BootstrapSchema } from "../../src/gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../../src/gen/envoy/config/core/v3/extension_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import type { Tracer } from "../../src/model/tracers.ts";
import type { SideTracing } from "../../src/model/tracing.ts";
import type { ListenerSettings } from "../../src/view/listener-inputs.ts";
import { findEnvoy } from "../protocol/envoy-process.ts";
import { refusedExpressions, takenExpressions } from "../support/expressions.ts";
import { sidecar } from "../support/view-fixture.ts";
import { everything, type LayerResources, layerResources, layersOf } from "./mesh-resources.ts";
import { bootstrapOf } from "./validation-bootstrap.ts";

const envoy = findEnvoy();
const skip = envoy === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

/** What stands in for slots that an Envoy refuses: it must take these. */
function closedSlots(): LayerResources {
  const names = [...httpPolicySlots.map(httpSlotName), ...networkPolicySlots.map(networkSlotName)];
  const extensionConfigs = names.map((name) => {
    const message = buildClosedSlot(name, "refused-shop-web");
    assert.ok(message !== undefined, name);
    const { bytes } = encode(TypedExtensionConfigSchema, message);
    return fromBinary(TypedExtensionConfigSchema, bytes);
  });
  return { clusters: [], endpoints: [], listeners: [], routes: [], extensionConfigs };
}

/** A listener with an access log for each. */
function logsFilteredBy(expressions: readonly string[]): LayerResources {
  const accessLogs = expressions.map((filter) => ({
    kind: "file" as const,
    path: "/dev/stdout",
    format: "-\n",
    isJson: false,
    filter,
  }));
  return listenerWith({ accessLogs });
}

/** A listener that sends spans, and the cluster that they go to. */
function tracedBy(tracer: Tracer, more: Partial<SideTracing> = {}): LayerResources {
  const tracing: SideTracing = {
    ...{ tracer, samplingPercent: 12.5, customTags: {}, hasIstioTags: true },
    ...{ decidesByRequestId: true, propagatesContext: true, ...more },
  };
  const cluster = create(ClusterSchema, {
    name: tracer.server.cluster,
    connectTimeout: { seconds: 1n },
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    loadAssignment: { clusterName: tracer.server.cluster },
  });
  return { ...listenerWith({ tracing }), clusters: [cluster] };
}

function listenerWith(settings: Pick<ListenerSettings, "accessLogs" | "tracing">): LayerResources {
  const message = buildVirtualInbound(
    {
      ports: [{ port: 8080, protocol: "HTTP", mode: "PERMISSIVE" }],
      otherPortsMode: "PERMISSIVE",
      otherPorts: [],
      families: "ipv4",
      settings: { pathNormalization: "BASE", protocolDetectionTimeout: "0s", ...settings },
    },
    15006,
  );
  const listener = fromBinary(ListenerSchema, encode(ListenerSchema, message).bytes);
  return { clusters: [], endpoints: [], listeners: [listener], routes: [], extensionConfigs: [] };
}

describe("Envoy accepts", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), `mlt-validate-${process.pid}-`));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const mesh = everything();
  // Its layer is whole by itself, over no other.
  mesh.connect(sidecar("shop", "importer"));
  mesh.restrict("shop/importer", ["shop/*", "*/*.example.com"]);

  test("a mesh that has layers for namespaces, workloads and gateways", () => {
    assert.deepEqual(mesh.graph.failures(), []);
    assert.ok(layersOf(mesh).length >= 7, layersOf(mesh).join(" "));
    assert.ok(layersOf(mesh).some((layer) => layer.includes("@imports=")));
  });

  const validate = (name: string, resources: LayerResources) => {
    const file = join(directory, `${name.replaceAll(/\W/g, "_")}.pb`);
    writeFileSync(file, toBinary(BootstrapSchema, bootstrapOf(resources)));
    return spawnSync(
      envoy ?? "",
      ["--mode", "validate", "-c", file, "-l", "error", "--use-dynamic-base-id"],
      {
        encoding: "utf8",
      },
    );
  };
  const accepts = (name: string, resources: () => LayerResources): void => {
    test(name, () => {
      const { status, stderr } = validate(name, resources());
      assert.equal(status, 0, stderr.slice(-3000));
    });
  };
  for (const [at, layer] of layersOf(mesh).entries())
    accepts(`layer ${at} "${layer}"`, () => layerResources(mesh, layer));
  accepts("closed slots", closedSlots);

  const server = {
    hostname: "tracer.shop.svc.cluster.local",
    cluster: "outbound|4317||tracer.shop.svc.cluster.local",
  };
  const headers = [{ name: "x-team", value: "a" }];
  const http = { path: "/v1/traces", timeout: "3s", headers };
  const dynatraceSampler = { tenant: "abc", clusterId: 7, rootSpansPerMinute: 100 };
  const tracers: readonly Tracer[] = [
    { kind: "zipkin", server, settings: {} },
    {
      kind: "zipkin",
      server,
      settings: { path: "/spans", traceContextOption: "USE_B3_WITH_W3C_PROPAGATION", headers },
    },
    { kind: "datadog", server, settings: {} },
    { kind: "skywalking", server, settings: { accessToken: "token" } },
    { kind: "opentelemetry", server, settings: { grpc: { timeout: "2s", initialMetadata: headers } } },
    {
      kind: "opentelemetry",
      server,
      settings: { http, resourceDetectors: { dynatrace: {} }, dynatraceSampler },
    },
  ];
  for (const [at, tracer] of tracers.entries())
    accepts(`tracer ${at} ${tracer.kind}`, () => tracedBy(tracer));
  accepts("trace tags of all kinds", () =>
    tracedBy(
      { kind: "zipkin", server, settings: {} },
      {
        ...{ decidesByRequestId: false, propagatesContext: false, maxPathLength: 64 },
        customTags: {
          a: { kind: "literal", value: "a" },
          b: { kind: "environment", name: "HOME", otherwise: "" },
          c: { kind: "header", name: "x-a", otherwise: "none" },
          d: { kind: "formatter", value: "%RESPONSE_CODE%" },
        },
      },
    ),
  );

  accepts("logs that go to services", () => {
    const headers = { requestHeaders: ["x-team"], responseHeaders: ["x-a"], responseTrailers: ["x-b"] };
    const service = { kind: "service" as const, logName: "", server, filterState: ["some"], ...headers };
    const labels = {
      text: "%PROTOCOL%",
      number: 1,
      flag: true,
      none: null,
      list: ["a", 1],
      object: { a: [] },
    };
    return listenerWith({
      accessLogs: [
        service,
        { ...service, entries: "http", logName: "mine" },
        { ...service, entries: "tcp", filter: "response.code >= 500" },
        { kind: "opentelemetry", logName: "", server, format: "", labels },
      ],
    });
  });

  // What `findExpressionFault` says is what this Envoy does.
  accepts("expressions that are taken", () => logsFilteredBy(takenExpressions));
  for (const expression of Object.keys(refusedExpressions))
    test(`not ${expression}`, () => {
      const { status, stderr } = validate(`refused ${expression}`, logsFilteredBy([expression]));
      assert.notEqual(status, 0, "Envoy takes it");
      assert.match(stderr, /expression|CEL|parse|regex|no matching|overload/i);
    });
});
