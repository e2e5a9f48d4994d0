// Of Kubernetes' own objects, the fields that somebody here reads: everything else is dropped as it comes in. A field
// that a table starts to read is added here and to wire-forms.ts; without it, the field is there on one machine and missing
// in a cluster.

/** `keep`: as it is. `shared`: a string that many objects repeat. `labels`: a map of such strings. */
export type LeafProjection = "keep" | "shared" | "labels" | "annotations";

export type Projection = LeafProjection | readonly [Projection] | { readonly [field: string]: Projection };

const metadata = {
  name: "keep",
  namespace: "shared",
  labels: "labels",
  annotations: "annotations",
  creationTimestamp: "keep",
} as const;

/** By its words a proxy is told to be a sidecar or a gateway, and by its image that it was never injected. */
const started = { name: "shared", image: "shared", command: ["shared"], args: ["shared"] } as const;

const named = { name: "shared" } as const;

/** Policies may shut out those that aren't asked by way of the agent. */
const probe = {
  httpGet: { path: "shared", port: "keep", scheme: "shared" },
  grpc: { port: "keep" },
} as const;

export const projections: ReadonlyMap<string, Projection> = new Map<string, Projection>([
  ["Namespace", { metadata }],
  [
    "Node",
    {
      metadata,
      status: {
        addresses: [{ type: "shared", address: "keep" }],
        // By it injection knows what the cluster's kubelets can.
        nodeInfo: { kubeletVersion: "shared" },
      },
    },
  ],
  ["ServiceAccount", { metadata: { name: "keep", namespace: "shared" } }],
  [
    "Service",
    {
      metadata,
      spec: {
        clusterIP: "keep",
        clusterIPs: ["keep"],
        externalIPs: ["keep"],
        externalName: "keep",
        internalTrafficPolicy: "shared",
        ipFamilies: ["shared"],
        ports: [
          {
            name: "shared",
            protocol: "shared",
            appProtocol: "shared",
            port: "keep",
            targetPort: "keep",
            nodePort: "keep",
          },
        ],
        publishNotReadyAddresses: "keep",
        selector: "labels",
        sessionAffinity: "shared",
        trafficDistribution: "shared",
        type: "shared",
      },
      status: { loadBalancer: { ingress: [{ ip: "keep", hostname: "keep" }] } },
    },
  ],
  [
    "EndpointSlice",
    {
      metadata,
      addressType: "shared",
      ports: [{ name: "shared", port: "keep", protocol: "shared", appProtocol: "shared" }],
      endpoints: [
        {
          addresses: ["keep"],
          conditions: { ready: "keep", serving: "keep", terminating: "keep" },
          hints: { forZones: [named], forNodes: [named] },
          hostname: "keep",
          nodeName: "shared",
          targetRef: { kind: "shared", name: "keep", namespace: "shared" },
          zone: "shared",
        },
      ],
    },
  ],
  [
    "Pod",
    {
      metadata: {
        ...metadata,
        uid: "keep",
        ownerReferences: [{ kind: "shared", name: "shared", controller: "keep" }],
      },
      spec: {
        containers: [
          {
            ...started,
            ports: [{ name: "shared", containerPort: "keep", protocol: "shared" }],
            livenessProbe: probe,
            readinessProbe: probe,
            startupProbe: probe,
          },
        ],
        initContainers: [started],
        hostNetwork: "keep",
        nodeName: "shared",
        serviceAccountName: "shared",
      },
      status: { phase: "shared", podIP: "keep", podIPs: [{ ip: "keep" }] },
    },
  ],
  ["Secret", { metadata: { name: "keep", namespace: "shared" }, type: "shared", data: "keep" }],
  [
    "ConfigMap",
    {
      metadata: { name: "keep", namespace: "shared" },
      data: { mesh: "keep", config: "keep", values: "keep" },
    },
  ],
]);
