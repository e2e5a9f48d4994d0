// What annotations and a template of the mesh's own make of a pod with a classic sidecar.

import assert from "node:assert/strict";
import { test } from "node:test";
import { injectPod } from "../../src/inject/inject-pod.ts";
import { parseInjectionConfig } from "../../src/inject/injection-config.ts";
import { defaultInjectionSettings } from "../../src/inject/injection-settings.ts";
import { assertGolden } from "./printed.ts";

const region = `
metadata:
  labels: { region: "{{ .Values.region }}" }
spec:
  containers:
    - name: istio-proxy
      env:
      {{- range $index, $container := .Spec.Containers }}
        - { name: APP_{{ $index }}, value: {{ quote $container.Name }} }
      {{- end }}
`;

test("a pod by annotations and a template", () => {
  const annotations = {
    "inject.istio.io/templates": "sidecar,region",
    "sidecar.istio.io/proxyCPU": "50m",
    "sidecar.istio.io/proxyMemoryLimit": "256Mi",
    "sidecar.istio.io/proxyImageType": "debug",
    "sidecar.istio.io/logLevel": "info",
    "sidecar.istio.io/userVolume": '{"certs": {"secret": {"secretName": "tls"}}}',
    "sidecar.istio.io/userVolumeMount": '{"certs": {"mountPath": "/etc/certs"}}',
    "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true",
  };
  const metadata = { name: "web", namespace: "shop", labels: { app: "web" }, annotations };
  const spec = { containers: [{ name: "web", image: "shop/web" }] };
  const config = JSON.stringify({ templates: { region } });
  const { problems, settings } = parseInjectionConfig({ config, values: '{"region": "west"}' });
  const images = { proxy: "mesh/agent:1", init: "mesh/agent:1" };
  const injection = injectPod({ metadata, spec }, undefined, {
    ...defaultInjectionSettings,
    images,
    ...settings,
  });
  assert.deepEqual(problems, []);
  assert.ok(injection.kind === "injected");
  const { metadata: after, spec: injected } = injection.pod;
  const [proxy, ...others] = injected.containers;
  // The rest of the proxy is as every pod's.
  const { args, image, lifecycle, name, resources } = proxy ?? {};
  const env = proxy?.env?.filter((variable) => variable.name.startsWith("APP_"));
  const volumeMounts = proxy?.volumeMounts?.slice(-1);
  assertGolden("injected-template", {
    labels: after.labels,
    volumes: injected.volumes?.map(({ name }) => name),
    initContainers: injected.initContainers?.map(({ name }) => name),
    containers: [{ name, image, args, env, lifecycle, resources, volumeMounts }, ...others],
  });
});
