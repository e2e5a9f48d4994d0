import assert from "node:assert/strict";
import { test } from "node:test";
import { injectPod } from "../inject/inject-pod.ts";
import type { InjectablePod } from "../inject/injectable-pod.ts";
import { defaultInjectionSettings } from "../inject/injection-settings.ts";
import { decidePodCapture, isMeshNamespace, isUncaptured } from "./pod-decision.ts";

function pod(annotations: Readonly<Record<string, string>> = {}): InjectablePod {
  const metadata = { name: "reviews-1", namespace: "shop", labels: { app: "reviews" }, annotations };
  return { metadata, spec: { containers: [{ name: "app", image: "shop/reviews" }] } };
}

function injected(
  annotations: Readonly<Record<string, string>> = {},
  capture: "cni" | "init" = "cni",
): InjectablePod {
  const injection = injectPod(pod(annotations), undefined, { ...defaultInjectionSettings, capture });
  assert.ok(injection.kind === "injected");
  return injection.pod;
}

test("decidePodCapture() captures an injected pod by its annotations", () => {
  const annotations = {
    "traffic.sidecar.istio.io/excludeOutboundPorts": "3306",
    "status.sidecar.istio.io/port": "15999",
  };
  const decision = decidePodCapture(injected(annotations));
  assert.ok(decision.kind === "capture");
  assert.deepEqual(decision.settings.outboundPortsExcluded, [3306]);
  assert.deepEqual(decision.settings.inboundPortsExcluded, [15090, 15021, 15999]);
  assert.equal(decision.settings.mode, "REDIRECT");
});

test("decidePodCapture() captures what the mesh's settings say where the annotations don't", () => {
  const captureDefaults = { "traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8" };
  const settings = { ...defaultInjectionSettings, capture: "cni", captureDefaults } as const;
  const injection = injectPod(pod(), undefined, settings);
  assert.ok(injection.kind === "injected");
  const decision = decidePodCapture(injection.pod);
  assert.ok(decision.kind === "capture");
  assert.deepEqual(decision.settings.outboundRanges, ["10.0.0.0/8"]);
});

test("decidePodCapture() captures queries to every server where the pod captures DNS", () => {
  const config = "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}";
  const decision = decidePodCapture(injected({ "proxy.istio.io/config": config }));
  assert.ok(decision.kind === "capture" && decision.settings.dns.kind === "all");
  const plain = decidePodCapture(injected());
  assert.ok(plain.kind === "capture" && plain.settings.dns.kind === "off");
});

test("decidePodCapture() takes TPROXY from the annotation", () => {
  const decision = decidePodCapture(injected({ "sidecar.istio.io/interceptionMode": "TPROXY" }));
  assert.ok(decision.kind === "capture" && decision.settings.mode === "TPROXY");
});

const skipped = [
  { name: "without a sidecar", pod: pod(), reason: /no sidecar/ },
  { name: "with istio-init", pod: injected({}, "init"), reason: /no container istio-validation/ },
  {
    name: "of mode NONE",
    pod: injected({ "sidecar.istio.io/interceptionMode": "NONE" }),
    reason: /istio-validation/,
  },
  {
    name: "that is a gateway",
    pod: injected({ "inject.istio.io/templates": "gateway" }),
    reason: /istio-validation/,
  },
  {
    name: "on the node's network",
    pod: { ...injected(), spec: { ...injected().spec, hostNetwork: true } },
    reason: /node's network/,
  },
];

for (const { name, pod: given, reason } of skipped) {
  test(`decidePodCapture() leaves alone a pod ${name}`, () => {
    const decision = decidePodCapture(given);
    assert.ok(decision.kind === "skip");
    assert.match(decision.reason, reason);
  });
}

test("decidePodCapture() refuses what it can't read", () => {
  const given = injected();
  const [validation, ...others] = given.spec.initContainers ?? [];
  const args = (validation?.args ?? []).map((arg) => (arg === "15090,15021,15020" ? "http" : arg));
  const initContainers = [{ name: "istio-validation", ...validation, args }, ...others];
  const decision = decidePodCapture({ ...given, spec: { ...given.spec, initContainers } });
  assert.ok(decision.kind === "refuse" && decision.problems.length === 1);
});

const ended = (exitCode: number) => ({ terminated: { exitCode } });

const verdicts = [
  { name: "has said so", states: { state: ended(126) }, wanted: true },
  { name: "said so and waits", states: { state: { waiting: {} }, lastState: ended(126) }, wanted: true },
  { name: "tries again", states: { state: { running: {} }, lastState: ended(126) }, wanted: false },
  { name: "passed since", states: { state: ended(0), lastState: ended(126) }, wanted: false },
  { name: "failed otherwise", states: { state: ended(1), lastState: ended(126) }, wanted: false },
  { name: "hasn't run", states: { state: { waiting: {} } }, wanted: false },
];

for (const { name, states, wanted } of verdicts) {
  test(`isUncaptured() is ${wanted} where the validation container ${name}`, () => {
    const initContainerStatuses = [{ name: "istio-validation", ...states }];
    assert.equal(isUncaptured({ ...injected(), status: { initContainerStatuses } }), wanted);
  });
}

test("isMeshNamespace() goes by the labels of injection", () => {
  assert.ok(isMeshNamespace({ "istio-injection": "enabled" }));
  assert.ok(isMeshNamespace({ "istio.io/rev": "canary" }));
  assert.ok(!isMeshNamespace({ "istio-injection": "disabled", "istio.io/rev": "canary" }));
  assert.ok(!isMeshNamespace());
});
