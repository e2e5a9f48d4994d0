import assert from "node:assert/strict";
import { test } from "node:test";
import { checkForm } from "../check-form.ts";
import {
  defaultMeshConfig,
  defaultProxyConfig,
  effectiveMeshConfig,
  mergeProxyConfigs,
} from "./default-mesh-config.ts";
import { meshConfigSpec } from "./mesh-config-spec.ts";

test("defaultMeshConfig is a MeshConfig", () => {
  assert.deepEqual(checkForm(meshConfigSpec, defaultMeshConfig).findings, []);
});

test("effectiveMeshConfig() lays what is set over the defaults", () => {
  const mesh = effectiveMeshConfig({
    accessLogFile: "/dev/stdout",
    outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
    extensionProviders: [{ name: "envoy", envoyFileAccessLog: { path: "/tmp/log" } }],
    defaultConfig: { concurrency: 2 },
  });
  assert.equal(mesh.accessLogFile, "/dev/stdout");
  assert.equal(mesh.outboundTrafficPolicy.mode, "REGISTRY_ONLY");
  assert.equal(mesh.trustDomain, "cluster.local");
  assert.deepEqual(mesh.defaultConfig, { ...defaultProxyConfig, concurrency: 2 });
  assert.deepEqual(
    mesh.extensionProviders.map(({ name }) => name),
    ["prometheus", "stackdriver", "envoy"],
  );
  assert.deepEqual(effectiveMeshConfig(undefined).defaultConfig, defaultProxyConfig);
});

test("mergeProxyConfigs() merges messages and maps, replaces lists, and knows the oneof", () => {
  const merged = mergeProxyConfigs(
    defaultProxyConfig,
    {
      proxyMetadata: { A: "mesh", B: "mesh" },
      extraStatTags: ["mesh"],
      tracing: { sampling: 1, zipkin: { address: "z:9411" } },
    },
    undefined,
    {
      proxyMetadata: { A: "pod" },
      extraStatTags: ["pod"],
      tracing: { sampling: 50 },
      tracingServiceName: "CANONICAL_NAME_ONLY",
    },
  );
  assert.deepEqual(merged.proxyMetadata, { A: "pod", B: "mesh" });
  assert.deepEqual(merged.extraStatTags, ["pod"]);
  assert.deepEqual(merged.tracing, { sampling: 50, zipkin: { address: "z:9411" } });
  assert.equal(merged.serviceCluster, undefined);
  assert.equal(merged.drainDuration, "45s");
});
