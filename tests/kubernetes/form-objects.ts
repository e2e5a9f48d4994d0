// Kubernetes' own objects with every field that config depends on, and others left to the API server's defaults: what a list
// says of them in JSON and in protobuf is to be the same.

export function formObjects(namespace: string): readonly object[] {
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web", namespace } },
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "form-node", labels: { "topology.kubernetes.io/zone": "zone-1" } },
    },
    ...services(namespace),
    ...endpointSlices(namespace),
    ...pods(namespace),
  ];
}

function services(namespace: string): readonly object[] {
  const ports = [
    { name: "http", port: 80, targetPort: "web", appProtocol: "http" },
    { name: "tcp", port: 9_000, targetPort: 9_001 },
    { name: "dns", port: 53, protocol: "UDP" },
  ];
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "web",
        namespace,
        labels: { team: "shop", empty: "" },
        annotations: { "networking.istio.io/exportTo": ".", "example.com/other": "é" },
      },
      spec: {
        ports,
        selector: { app: "web" },
        type: "NodePort",
        externalIPs: ["192.0.2.1"],
        sessionAffinity: "ClientIP",
        publishNotReadyAddresses: true,
        internalTrafficPolicy: "Local",
        trafficDistribution: "PreferClose",
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "outside", namespace },
      spec: { type: "ExternalName", externalName: "example.com" },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "headless", namespace },
      spec: { clusterIP: "None", ports: [{ port: 80 }] },
    },
  ];
}

function endpointSlices(namespace: string): readonly object[] {
  const labels = { "kubernetes.io/service-name": "web" };
  return [
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-a", namespace, labels },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8_080, appProtocol: "http" }, { name: "" }],
      endpoints: [
        {
          addresses: ["10.0.0.7"],
          conditions: { ready: true, serving: true, terminating: false },
          hostname: "web-1",
          nodeName: "form-node",
          zone: "zone-1",
          hints: { forZones: [{ name: "zone-1" }, { name: "zone-2" }] },
          targetRef: { kind: "Pod", name: "web-1", namespace },
        },
        { addresses: ["10.0.0.8"], conditions: { ready: false } },
        { addresses: ["10.0.0.9"] },
      ],
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-none", namespace, labels },
      addressType: "IPv6",
      ports: [],
      endpoints: [],
    },
  ];
}

function pods(namespace: string): readonly object[] {
  const httpGet = { path: "/healthz", port: "web", scheme: "HTTPS" };
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-6d5f", uid: "0f", controller: true };
  return [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web-1", namespace, labels: { app: "web" }, ownerReferences: [owner] },
      spec: {
        automountServiceAccountToken: false,
        serviceAccountName: "web",
        nodeName: "form-node",
        hostNetwork: true,
        initContainers: [{ name: "istio-init", image: "init:1", command: ["a"], args: ["b", ""] }],
        containers: [
          {
            name: "web",
            image: "web:1",
            ports: [{ name: "web", containerPort: 8_080 }, { containerPort: 9_001 }],
            livenessProbe: { httpGet },
            readinessProbe: { httpGet: { port: 8_080 } },
            startupProbe: { grpc: { port: 9_001 } },
          },
        ],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "plain", namespace },
      spec: { automountServiceAccountToken: false, containers: [{ name: "plain", image: "plain:1" }] },
    },
  ];
}
