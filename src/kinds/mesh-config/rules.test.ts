import assert from "node:assert/strict";
import { test } from "node:test";
import { meshConfigRules } from "./rules.ts";

test("meshConfigRules() accepts Istio's own defaults and usual settings", () => {
  const spec = {
    accessLogFile: "/dev/stdout",
    connectTimeout: "1s",
    protocolDetectionTimeout: "0s",
    trustDomain: "cluster.local",
    defaultConfig: { concurrency: 0, discoveryAddress: "[2001:db8::1]:15012", drainDuration: "45s" },
    extensionProviders: [{ name: "als", envoyHttpAls: { service: "obs/als.obs.svc", port: 4000 } }],
  };
  assert.deepEqual([...meshConfigRules({ spec })], []);
});

test("meshConfigRules() names what is wrong", () => {
  const provider = (service: string, port?: number) => ({
    extensionProviders: [{ name: "a", zipkin: { service, ...(port === undefined ? {} : { port }) } }],
  });
  const cases: [object, string][] = [
    [{ connectTimeout: "0s" }, "spec.connectTimeout"],
    [{ protocolDetectionTimeout: "0.1ms" }, "spec.protocolDetectionTimeout"],
    [{ trustDomain: "foo:bar" }, "spec.trustDomain"],
    [{ trustDomainAliases: ["a", "b/c"] }, "spec.trustDomainAliases[1]"],
    [{ proxyListenPort: 0 }, "spec.proxyListenPort"],
    [{ defaultConfig: { discoveryAddress: "10.0.0.1" } }, "spec.defaultConfig.discoveryAddress"],
    [{ defaultConfig: { discoveryAddress: "a:100000" } }, "spec.defaultConfig.discoveryAddress"],
    [{ defaultConfig: { drainDuration: "1.5s" } }, "spec.defaultConfig.drainDuration"],
    [
      { defaultConfig: { connectionSettings: { http2InitialStreamWindowSize: 1 } } },
      "spec.defaultConfig.connectionSettings.http2InitialStreamWindowSize",
    ],
    [{ defaultHttpRetryPolicy: { attempts: 1, retryOn: "600" } }, "spec.defaultHttpRetryPolicy.retryOn"],
    [{ defaultConfig: { serviceCluster: "" } }, "spec.defaultConfig.serviceCluster"],
    [
      { defaultConfig: { privateKeyProvider: { cryptomb: { pollDelay: "0s" } } } },
      "spec.defaultConfig.privateKeyProvider.cryptomb.pollDelay",
    ],
    [
      { defaultConfig: { tracing: { lightstep: { address: "a:80" } } } },
      "spec.defaultConfig.tracing.lightstep.accessToken",
    ],
    [provider("a.b"), "spec.extensionProviders[0].zipkin.port"],
    [provider("a.b:1", 1), "spec.extensionProviders[0].zipkin.service"],
    [{ extensionProviders: [{ name: "a" }] }, "spec.extensionProviders[0]"],
    [
      { localityLbSetting: { distribute: [{ from: "a", to: { b: 80 } }] } },
      "spec.localityLbSetting.distribute[0].to",
    ],
  ];
  for (const [spec, path] of cases) {
    assert.deepEqual(
      [...meshConfigRules({ spec })].map((finding) => finding.path),
      [path],
      JSON.stringify(spec),
    );
  }
});
