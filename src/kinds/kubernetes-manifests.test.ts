// Manifests as people write them pass without a finding, and what an API server refuses is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findKind, kindByName, kinds } from "./all-kinds.ts";
import { parseObject } from "./parse-object.ts";

const probe = {
  httpGet: { path: "/healthz", port: "http", httpHeaders: [{ name: "A", value: "b" }] },
  periodSeconds: 5,
};

const fullPod = {
  serviceAccountName: "web",
  automountServiceAccountToken: true,
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  dnsConfig: { nameservers: ["10.0.0.10"], searches: ["a.local"], options: [{ name: "ndots", value: "2" }] },
  hostAliases: [{ ip: "127.0.0.1", hostnames: ["a.local"] }],
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [{ key: "dedicated", operator: "Equal", value: "web", effect: "NoSchedule" }],
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: "zone",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: { app: "web" } },
    },
  ],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "arch", operator: "In", values: ["amd64"] }] }],
      },
    },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: { topologyKey: "host", labelSelector: { matchLabels: { app: "web" } } },
        },
      ],
    },
  },
  securityContext: {
    runAsUser: 1000,
    runAsNonRoot: true,
    fsGroup: 2000,
    seccompProfile: { type: "RuntimeDefault" },
  },
  imagePullSecrets: [{ name: "registry" }],
  priorityClassName: "high",
  initContainers: [
    { name: "wait", image: "busybox:1.36", command: ["sh", "-c", "true"] },
    { name: "helper", image: "helper", restartPolicy: "Always" },
  ],
  containers: [
    {
      name: "web",
      image: "registry.example.com/web@sha256:abc",
      imagePullPolicy: "IfNotPresent",
      command: ["web"],
      args: ["--port=8080"],
      workingDir: "/app",
      env: [
        { name: "PORT", value: "8080" },
        { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1" } } },
        { name: "KEY", valueFrom: { secretKeyRef: { name: "web", key: "key", optional: true } } },
        { name: "CONF", valueFrom: { configMapKeyRef: { name: "web", key: "conf" } } },
      ],
      envFrom: [
        { prefix: "A_", configMapRef: { name: "web" } },
        { secretRef: { name: "web", optional: true } },
      ],
      ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
      resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: 1, memory: "128Mi" } },
      livenessProbe: probe,
      readinessProbe: { grpc: { port: 9000, service: "web" } },
      startupProbe: { tcpSocket: { port: 8080 }, failureThreshold: 30 },
      lifecycle: { preStop: { exec: { command: ["sleep", "5"] } }, postStart: { sleep: { seconds: 1 } } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
      },
      volumeMounts: [
        { name: "tmp", mountPath: "/tmp" },
        { name: "conf", mountPath: "/etc/web/web.conf", subPath: "web.conf", readOnly: true },
      ],
    },
  ],
  volumes: [
    { name: "tmp", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
    {
      name: "conf",
      configMap: { name: "web", items: [{ key: "conf", path: "web.conf" }], defaultMode: 420 },
    },
    { name: "key", secret: { secretName: "web", optional: true } },
    { name: "data", persistentVolumeClaim: { claimName: "data" } },
    {
      name: "info",
      downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] },
    },
    { name: "host", hostPath: { path: "/var/log", type: "Directory" } },
    {
      name: "token",
      projected: {
        sources: [
          { serviceAccountToken: { path: "token", audience: "istio-ca", expirationSeconds: 3600 } },
          { configMap: { name: "ca", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        ],
      },
    },
  ],
};

const metadata = {
  name: "web",
  namespace: "shop",
  labels: { app: "web", "app.kubernetes.io/name": "web" },
  annotations: { "sidecar.istio.io/inject": "true" },
};
const template = { metadata: { labels: { app: "web" }, annotations: {} }, spec: fullPod };
const selector = { matchLabels: { app: "web" } };

const manifests: readonly object[] = [
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop", labels: { "istio-injection": "enabled" } },
  },
  { apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false },
  { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "web.conf": "a", empty: null }, immutable: true },
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata,
    type: "Opaque",
    data: { key: "YQ==" },
    stringData: { other: "b" },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      type: "LoadBalancer",
      selector: { app: "web" },
      sessionAffinity: "None",
      ports: [
        { name: "http", port: 80, targetPort: "http", appProtocol: "http" },
        { name: "grpc", port: 9000, targetPort: 9000, protocol: "TCP", nodePort: 30000 },
      ],
    },
  },
  { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: "None", selector: { app: "web" } } },
  { apiVersion: "v1", kind: "Pod", metadata, spec: fullPod, status: { phase: "Running", podIP: "10.0.0.1" } },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: 2,
      selector,
      template,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: 0 } },
    },
  },
  { apiVersion: "apps/v1", kind: "ReplicaSet", metadata, spec: { replicas: 1, selector, template } },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata,
    spec: {
      serviceName: "web",
      replicas: 2,
      selector,
      template,
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: {} }],
    },
  },
  { apiVersion: "apps/v1", kind: "DaemonSet", metadata, spec: { selector, template } },
  {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata,
    spec: { backoffLimit: 2, completions: 1, template: { spec: { ...fullPod, restartPolicy: "Never" } } },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata,
    addressType: "IPv4",
    ports: [{ name: "http", port: 80, protocol: "TCP" }],
    endpoints: [
      { addresses: ["10.0.0.1"], conditions: { ready: true }, targetRef: { kind: "Pod", name: "web" } },
    ],
  },
];

for (const [index, manifest] of manifests.entries()) {
  const { kind } = manifest as { kind: string };
  test(`parseObject() accepts a usual ${kind} (${index})`, () => {
    const { findings, object } = parseObject(manifest);
    assert.deepEqual(
      findings.filter(({ code }) => code !== "MLT1009"),
      [],
    );
    assert.ok(object !== undefined);
  });
}

test("parseObject() refuses what an API server refuses", () => {
  const pod = (spec: object) => ({ apiVersion: "v1", kind: "Pod", metadata, spec });
  const web = { name: "web", image: "web" };
  const service = (ports: object[]) => ({ apiVersion: "v1", kind: "Service", metadata, spec: { ports } });
  const cases: [object, string][] = [
    [pod({ containers: [] }), "spec.containers"],
    [pod({ containers: [web, web] }), "spec.containers[1].name"],
    [
      pod({ containers: [{ ...web, volumeMounts: [{ name: "a", mountPath: "/a" }] }] }),
      "spec.containers[0].volumeMounts[0].name",
    ],
    [pod({ containers: [web], volumes: [{ name: "a" }] }), "spec.volumes[0]"],
    [
      pod({ containers: [{ ...web, livenessProbe: { periodSeconds: 1 } }] }),
      "spec.containers[0].livenessProbe",
    ],
    [service([{ port: 80 }, { port: 81 }]), "spec.ports[0].name"],
    [
      service([
        { name: "a", port: 80 },
        { name: "a", port: 81 },
      ]),
      "spec.ports[1].name",
    ],
    [service([]), "spec.ports"],
    [
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata,
        spec: { selector: { matchLabels: { app: "x" } }, template },
      },
      "spec.selector",
    ],
    [
      { apiVersion: "batch/v1", kind: "Job", metadata, spec: { template: { spec: fullPod } } },
      "spec.template.spec.restartPolicy",
    ],
  ];
  for (const [object, path] of cases) {
    const { findings, object: parsed } = parseObject(object);
    assert.equal(parsed, undefined, path);
    assert.ok(
      findings.some((finding) => finding.path === path),
      `${path}: ${JSON.stringify(findings)}`,
    );
  }
});

test("findKind() knows every served version, and no pseudo-kind", () => {
  for (const version of ["v1", "v1beta1", "v1alpha3"]) {
    assert.equal(findKind(`networking.istio.io/${version}`, "VirtualService")?.plural, "virtualservices");
  }
  assert.equal(findKind("networking.istio.io/v1", "Deployment"), undefined);
  assert.equal(findKind("mesh.meltemi.dev/v1", "MeshConfig"), undefined);
});

test("kinds have names of their own", () => {
  assert.equal(kindByName.size, kinds.length);
  const words = kinds.flatMap(({ plural, shortNames, kind }) => [plural, kind.toLowerCase(), ...shortNames]);
  assert.equal(new Set(words).size, words.length);
});
