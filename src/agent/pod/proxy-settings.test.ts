import assert from "node:assert/strict";
import { test } from "node:test";
import { readProxySettings } from "./proxy-settings.ts";

test("readProxySettings() takes what annotations and ProxyConfig set, an annotation before the ProxyConfig", () => {
  const PROXY_CONFIG = JSON.stringify({
    proxyAdminPort: 15999,
    statusPort: 15998,
    proxyStatsMatcher: { inclusionPrefixes: ["cluster.outbound"] },
    runtimeValues: { "a.b": "true" },
  });
  const ISTIO_PROMETHEUS_ANNOTATIONS = '{"scrape":"true","port":"8080"}';
  const annotations = {
    "status.sidecar.istio.io/port": "15997",
    "sidecar.istio.io/statsHistogramBuckets": '{"istio":[1,5]}',
  };
  assert.deepEqual(readProxySettings({ env: { PROXY_CONFIG, ISTIO_PROMETHEUS_ANNOTATIONS }, annotations }), {
    probers: {},
    ports: { admin: 15999, agent: 15997 },
    appPages: [{ port: 8080 }],
    stats: { inclusionPrefixes: ["cluster.outbound"] },
    histogramBuckets: { istio: [1, 5] },
    runtimeValues: { "a.b": "true" },
    hasDeferredStats: true,
  });
});

test("readProxySettings() leaves deferred statistics out where ENABLE_DEFERRED_STATS_CREATION says so", () => {
  const deferred = (text: string) =>
    readProxySettings({ env: { ENABLE_DEFERRED_STATS_CREATION: text }, annotations: {} }).hasDeferredStats;
  assert.deepEqual([deferred("false"), deferred("true"), deferred("")], [false, true, true]);
  assert.throws(() => deferred("no"), /Cannot read ENABLE_DEFERRED_STATS_CREATION "no"/);
});
