import assert from "node:assert/strict";
import { test } from "node:test";
import { readPodAnnotations } from "./pod-annotations.ts";

function read(annotations: Readonly<Record<string, string>>) {
  return readPodAnnotations({ metadata: { annotations }, spec: { containers: [] } });
}

const good: readonly { readonly name: string; readonly text: string; readonly value: unknown }[] = [
  { name: "sidecar.istio.io/proxyCPU", text: "100m", value: { cpu: "100m" } },
  { name: "sidecar.istio.io/proxyMemoryLimit", text: "1.5Gi", value: { memoryLimit: "1.5Gi" } },
  { name: "sidecar.istio.io/interceptionMode", text: "TPROXY", value: { interceptionMode: "TPROXY" } },
  { name: "sidecar.istio.io/nativeSidecar", text: "false", value: { isNative: false } },
  { name: "status.sidecar.istio.io/port", text: "0", value: { statusPort: 0 } },
  { name: "inject.istio.io/templates", text: "sidecar, custom", value: { templates: ["sidecar", "custom"] } },
  {
    name: "sidecar.istio.io/userVolume",
    text: '{"certs": {"secret": {"secretName": "tls"}}}',
    value: { userVolumes: [{ name: "certs", secret: { secretName: "tls" } }] },
  },
  {
    name: "sidecar.istio.io/userVolume",
    text: '[{"name": "certs", "secret": {"secretName": "tls"}}]',
    value: { userVolumes: [{ name: "certs", secret: { secretName: "tls" } }] },
  },
  {
    name: "sidecar.istio.io/userVolumeMount",
    text: '{"certs": {"mountPath": "/etc/certs", "readOnly": true}}',
    value: { userMounts: [{ name: "certs", mountPath: "/etc/certs", readOnly: true }] },
  },
  {
    name: "sidecar.istio.io/statsHistogramBuckets",
    text: '{"istiocustom": [1, 5, 50]}',
    value: { histogramBuckets: { istiocustom: [1, 5, 50] } },
  },
];

for (const { name, text, value } of good) {
  test(`readPodAnnotations() reads ${name} ${text}`, () => {
    assert.deepEqual(read({ [name]: text }), { annotations: value, problems: [] });
  });
}

const bad: readonly { readonly name: string; readonly text: string; readonly fault: RegExp }[] = [
  { name: "sidecar.istio.io/proxyCPU", text: "100 m", fault: /wanted a quantity such as "100m"/ },
  { name: "sidecar.istio.io/proxyMemory", text: "-1Gi", fault: /wanted a quantity/ },
  { name: "sidecar.istio.io/interceptionMode", text: "tproxy", fault: /wanted "REDIRECT", "TPROXY", "NONE"/ },
  { name: "sidecar.istio.io/nativeSidecar", text: "yes", fault: /wanted "true" or "false"/ },
  { name: "status.sidecar.istio.io/port", text: "70000", fault: /wanted a whole number from 0 to 65535/ },
  { name: "readiness.status.sidecar.istio.io/periodSeconds", text: "2s", fault: /wanted a whole number/ },
  { name: "sidecar.istio.io/userVolume", text: "{certs}", fault: /it isn't JSON/ },
  {
    name: "sidecar.istio.io/userVolume",
    text: '{"certs": {"secrt": {}}}',
    fault: /there is no field "secrt" in \[0\]/,
  },
  { name: "sidecar.istio.io/userVolumeMount", text: '{"certs": {}}', fault: /"mountPath" is required/ },
];

for (const { name, text, fault } of bad) {
  test(`readPodAnnotations() refuses ${name} ${text}`, () => {
    const { annotations, problems } = read({ [name]: text });
    assert.deepEqual(annotations, {});
    assert.equal(problems.length, 1);
    assert.equal(problems[0]?.path, `metadata.annotations["${name}"]`);
    assert.match(problems[0]?.message ?? "", fault);
  });
}
