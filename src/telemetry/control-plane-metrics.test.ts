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

test("createControlPlaneMetrics() counts questions about clients that their scopes don't answer", async () => {
  const { views, text } = createControlPlaneMetrics("1.2.3");
  views.undeclaredQuestion();
  assert.match(await text(), /^meltemi_undeclared_client_questions_total 1$/m);
});

test("createControlPlaneMetrics() keeps two control planes of one process apart", async () => {
  const one = createControlPlaneMetrics("1");
  const other = createControlPlaneMetrics("2");
  one.xds.pushed("route", { resourceCount: 1, removedCount: 0, bytes: 1 });
  assert.doesNotMatch(await other.text(), /pilot_xds_pushes\{/);
});

test("createControlPlaneMetrics() counts certificates, pods and objects that were judged, as Istio does", async () => {
  const metrics = createControlPlaneMetrics("1.2.3");
  metrics.certificates.requested();
  metrics.certificates.refused("UNAUTHENTICATED");
  metrics.webhooks.injection("injected", 4);
  metrics.webhooks.injection("failed", 1);
  const object = { group: "networking.istio.io", version: "v1", resource: "gateways" };
  metrics.webhooks.validation(object, "passed");
  metrics.webhooks.validation(object, "failed");
  metrics.objects.changed("Service", "update");
  metrics.objects.changed("VirtualService", "delete");
  const lines = (await metrics.text()).split("\n");
  const labels = 'group="networking.istio.io",version="v1",resource="gateways"';
  for (const line of [
    "citadel_server_csr_count 1",
    "citadel_server_success_cert_issuance_count 0",
    "citadel_server_authentication_failure_count 1",
    "sidecar_injection_requests_total 2",
    "sidecar_injection_success_total 1",
    "sidecar_injection_failure_total 1",
    `galley_validation_passed{${labels}} 1`,
    `galley_validation_failed{${labels},reason="invalid_resource"} 1`,
    'pilot_k8s_reg_events{type="Service",event="update"} 1',
    'pilot_k8s_cfg_events{type="VirtualService",event="delete"} 1',
  ])
    assert.ok(lines.includes(line), line);
});

test("createControlPlaneMetrics() reads what there is when somebody scrapes", async () => {
  const metrics = createControlPlaneMetrics("1.2.3");
  assert.match(await metrics.text(), /^pilot_services 0$/m);
  let services = 3;
  metrics.watch({
    objects: { services: () => services, virtualServices: () => 1 },
    signingCertificate: { notAfterMs: 5_000 },
  });
  services = 4;
  const text = await metrics.text();
  assert.match(text, /^pilot_services 4$/m);
  assert.match(text, /^pilot_virt_services 1$/m);
  assert.match(text, /^citadel_server_root_cert_expiry_timestamp 5$/m);
});
