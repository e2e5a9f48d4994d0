import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { promisify } from "node:util";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import { testBootstrapOptions, testDirectory, testEnvoyPath } from "../../../tests/support/agent-envoy.ts";
import type { IpFamilies } from "../../core/ip-families.ts";
import { BootstrapSchema } from "../../gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { DownstreamConnectionsConfigSchema } from "../../gen/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.ts";
import { UpstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { buildBootstrap, encodeBootstrap } from "./bootstrap.ts";
import type { BootstrapOptions } from "./bootstrap-options.ts";
import { statTagPatterns } from "./stats-config.ts";

const run = promisify(execFile);
const registry = createRegistry(
  RouterSchema,
  HttpConnectionManagerSchema,
  DownstreamConnectionsConfigSchema,
  UpstreamTlsContextSchema,
  HttpProtocolOptionsSchema,
);

// What Envoy has to say beyond its "OK": deprecations and errors alike.
async function complaintsOf(t: TestContext, change: (options: BootstrapOptions) => BootstrapOptions) {
  const directory = await testDirectory(t);
  const file = join(directory, "bootstrap.json");
  await writeFile(file, encodeBootstrap(buildBootstrap(change(testBootstrapOptions(directory)))));
  const args = ["--mode", "validate", "-c", file, "-l", "warning", "--disable-hot-restart"];
  const { stdout, stderr } = await run(await testEnvoyPath(), args);
  assert.match(stdout, /OK/);
  return stderr.trim();
}

const variants: Readonly<Record<string, (options: BootstrapOptions) => BootstrapOptions>> = {
  "a sidecar with mutual TLS over a unix socket": (options) => options,
  "a router": (options) => ({
    ...options,
    node: { ...options.node, id: options.node.id.replace("sidecar", "router") },
  }),
  "plaintext to an address": (options) => ({
    ...options,
    controlPlane: { kind: "tcp", host: "127.0.0.1", port: 15010 },
  }),
  "TLS to a host name": (options) => ({
    ...options,
    controlPlane: {
      kind: "tcp",
      host: "meltemi.meltemi-system.svc",
      port: 15012,
      tlsServerName: "meltemi.meltemi-system.svc",
    },
  }),
  "IPv6 only": (options) => ({ ...options, families: "ipv6" }),
  "both IP families, and a control plane by name": (options) => ({
    ...options,
    families: "dual",
    controlPlane: { kind: "tcp", host: "meltemi.meltemi-system.svc", port: 15012 },
  }),
  "marks, more statistics and runtime values": (options) => ({
    ...options,
    socketMark: 1337,
    stats: { inclusionPrefixes: ["cluster.outbound"], inclusionRegexps: [".*upstream_rq_.*"] },
    histogramBuckets: { istio_request_duration: [1, 5, 10.5] },
    hasDeferredStats: false,
    runtimeValues: { "envoy.reloadable_features.http_reject_path_with_fragment": "true" },
  }),
};

for (const [name, change] of Object.entries(variants)) {
  test(`buildBootstrap() makes what Envoy takes without a word: ${name}`, async (t) => {
    assert.equal(await complaintsOf(t, change), "");
  });
}

for (const [name, change] of Object.entries(variants)) {
  test(`buildBootstrap() has only fields and values that Envoy's API defines: ${name}`, () => {
    const json = buildBootstrap(change(testBootstrapOptions("/run")));
    const bootstrap = fromJson(BootstrapSchema, json, { registry });
    assert.equal(bootstrap.staticResources?.listeners.length, 5);
  });
}

test("buildBootstrap() listens on the addresses of the pod's IP families", () => {
  const listening = (families: IpFamilies, INSTANCE_IPS: string) => {
    const options = testBootstrapOptions("/run");
    const node = { ...options.node, metadata: { ...options.node.metadata, INSTANCE_IPS } };
    const bootstrap = fromJson(BootstrapSchema, buildBootstrap({ ...options, node, families }), { registry });
    return bootstrap.staticResources?.listeners.map(({ name, address, additionalAddresses }) => [
      name,
      ...[address, ...additionalAddresses.map((one) => one.address)].flatMap((one) =>
        one?.address.case === "socketAddress" ? [one.address.value.address] : [],
      ),
    ]);
  };
  assert.deepEqual(listening("ipv6", "fd00::5"), [
    ["admin", "::1"],
    ["agent", "fd00::5", "::1"],
    ["health", "fd00::5", "::1"],
    ["envoy-stats", "fd00::5", "::1"],
    ["app"],
  ]);
  assert.deepEqual(listening("dual", "10.0.0.5, fd00::5")?.slice(0, 2), [
    ["admin", "127.0.0.1", "::1"],
    ["agent", "10.0.0.5", "fd00::5", "127.0.0.1", "::1"],
  ]);
  assert.deepEqual(listening("ipv4", "")?.[1], ["agent", "0.0.0.0"]);
});

test("encodeBootstrap() prints the same text for the same options", () => {
  const text = () => encodeBootstrap(buildBootstrap(testBootstrapOptions("/run")));
  assert.equal(text(), text());
});

const labels: readonly (readonly [string, string, string, string])[] = [
  [
    "cluster_name",
    "cluster.outbound|80|v1|reviews.shop.svc.cluster.local.upstream_rq_200",
    "outbound|80|v1|reviews.shop.svc.cluster.local",
    "cluster.upstream_rq_200",
  ],
  ["cluster_name", "cluster.xds-grpc.lb_healthy_panic", "xds-grpc", "cluster.lb_healthy_panic"],
  [
    "cluster_name",
    "cluster.inbound|9080||.circuit_breakers.default.cx_open",
    "inbound|9080||",
    "cluster.circuit_breakers.default.cx_open",
  ],
  ["response_code", "cluster.upstream_rq_503", "503", "cluster.upstream_rq"],
  ["response_code_class", "http.downstream_rq_5xx", "5xx", "http.downstream_rq"],
  [
    "http_conn_manager_prefix",
    "http.outbound_0.0.0.0_9080.downstream_rq_total",
    "outbound_0.0.0.0_9080",
    "http.downstream_rq_total",
  ],
  ["http_conn_manager_prefix", "http.admin.downstream_cx_active", "admin", "http.downstream_cx_active"],
  [
    "listener_address",
    "listener.0.0.0.0_15006.downstream_cx_active",
    "0.0.0.0_15006",
    "listener.downstream_cx_active",
  ],
  [
    "tcp_prefix",
    "tcp.outbound|6379||redis.shop.svc.cluster.local.downstream_cx_total",
    "outbound|6379||redis.shop.svc.cluster.local",
    "tcp.downstream_cx_total",
  ],
];

for (const [tag, name, label, rest] of labels) {
  test(`buildStatsConfig() cuts ${tag} out of ${name}`, () => {
    const match = new RegExp(statTagPatterns[tag] ?? "never").exec(name);
    assert.equal(match?.[2], label);
    assert.equal(name.replace(match?.[1] ?? "", ""), rest);
  });
}
