// What a scrape shows after events of the xDS server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createControlPlaneMetrics } from "./control-plane-metrics.ts";

test("createControlPlaneMetrics() counts streams, pushes and rejections under Istio's names", async () => {
  const metrics = createControlPlaneMetrics("1.2.3");
  metrics.xds.streamOpened("delta");
  metrics.xds.streamOpened("delta");
  metrics.xds.streamClosed("delta");
  metrics.xds.pushed("cluster", { resourceCount: 3, removedCount: 0, bytes: 120 });
  metrics.xds.acknowledged("cluster");
  metrics.xds.rejected("listener");
  const text = await metrics.text();
  assert.match(text, /^pilot_xds\{protocol="delta"\} 1$/m);
  assert.match(text, /^pilot_xds_pushes\{type="cds"\} 1$/m);
  assert.match(text, /^meltemi_xds_sent_bytes_total\{type="cds"\} 120$/m);
  assert.match(text, /^meltemi_xds_sent_resources_total\{type="cds"\} 3$/m);
  assert.match(text, /^pilot_total_xds_rejects\{type="lds"\} 1$/m);
  assert.match(text, /^pilot_info\{version="1.2.3"\} 1$/m);
  assert.match(text, /^istio_build\{component="pilot",tag="1.2.3"\} 1$/m);
  assert.match(text, /^pilot_xds_config_size_bytes_bucket\{le="10000",type="cds"\} 1$/m);
});

test("createControlPlaneMetrics() counts pushes and how soon proxies have them", async () => {
  const { pushes, text } = createControlPlaneMetrics("1.2.3");
  pushes.began("config");
  pushes.converged(120);
  pushes.converged(2_000);
  const lines = (await text()).split("\n");
  assert.ok(lines.includes('pilot_push_triggers{type="config"} 1'));
  assert.ok(lines.includes('pilot_proxy_convergence_time_bucket{le="0.5"} 1'));
  assert.ok(lines.includes("pilot_proxy_convergence_time_count 2"));
});

test("createControlPlaneMetrics() counts fetches of issuers' keys under Istio's names", async () => {
  const { jwks, text } = createControlPlaneMetrics("1.2.3");
  jwks.fetched();
  jwks.fetched();
  jwks.failed();
  const lines = (await text()).split("\n");
  assert.ok(lines.includes("pilot_jwks_resolver_network_fetch_success_total 2"));
  assert.ok(lines.includes("pilot_jwks_resolver_network_fetch_fail_total 1"));
});

test("createControlPlaneMetrics() keeps two control planes of one process apart", async () => {
  const one = createControlPlaneMetrics("1");
  const other = createControlPlaneMetrics("2");
  one.xds.pushed("route", { resourceCount: 1, removedCount: 0, bytes: 1 });
  assert.doesNotMatch(await other.text(), /pilot_xds_pushes\{/);
});
