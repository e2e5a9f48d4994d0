import assert from "node:assert/strict";
import { test } from "node:test";
import { buildProxyNode } from "./node-metadata.ts";

const pod = {
  env: {
    POD_NAME: "reviews-v1-5f7d-x2k",
    POD_NAMESPACE: "shop",
    INSTANCE_IP: "10.244.0.7",
    SERVICE_ACCOUNT: "reviews",
    ISTIO_META_CLUSTER_ID: "Kubernetes",
    ISTIO_META_WORKLOAD_NAME: "reviews-v1",
    PROXY_CONFIG: '{"concurrency":2}',
  },
  role: "sidecar",
  labels: { "service.istio.io/canonical-name": "reviews" },
  annotations: { "sidecar.istio.io/status": "{}", "sidecar.istio.io/logLevel": "debug" },
  version: "0.1.0",
  clusterDomain: "cluster.local",
} as const;

test("buildProxyNode() makes Istio's node id and cluster", () => {
  const { id, cluster } = buildProxyNode(pod);
  assert.equal(id, "sidecar~10.244.0.7~reviews-v1-5f7d-x2k.shop~shop.svc.cluster.local");
  assert.equal(cluster, "reviews.shop");
});

test("buildProxyNode() strips the prefix of metadata and leaves injection's notes out", () => {
  const { metadata } = buildProxyNode(pod);
  assert.equal(metadata.WORKLOAD_NAME, "reviews-v1");
  assert.deepEqual(metadata.PROXY_CONFIG, { concurrency: 2 });
  assert.deepEqual(metadata.ANNOTATIONS, { "sidecar.istio.io/logLevel": "debug" });
});

test("buildProxyNode() names the service in traces as ProxyConfig says", () => {
  const labels = { app: "app", "service.istio.io/canonical-name": "canonical" };
  const named = (tracingServiceName: unknown) => {
    const env = { ...pod.env, PROXY_CONFIG: JSON.stringify({ tracingServiceName }) };
    return buildProxyNode({ ...pod, env, labels }).cluster;
  };
  assert.equal(named(undefined), "app.shop");
  assert.equal(named("APP_LABEL_AND_NAMESPACE"), "app.shop");
  assert.equal(named("CANONICAL_NAME_AND_NAMESPACE"), "canonical.shop");
  assert.equal(named("CANONICAL_NAME_ONLY"), "canonical");
});
