// Where the fields of EndpointSlices and Pods matter to proxies.

import { type FieldSetting, type KindSettings, yaml } from "./field-settings.ts";

/** `more` is of the Service's spec, in YAML's flow style. */
function ownService(more: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: own, namespace: shop }
spec: { ${more}, ports: [{ name: http, port: 80 }, { name: more, port: 81 }] }
`;
}

/** `more` is of the endpoint, in YAML's flow style. */
function slice(more: string): unknown {
  return yaml(
    `{ addressType: IPv4, ports: [{ name: http, port: 8080 }], endpoints: [{ addresses: [10.9.0.1], ${more} }] }`,
  );
}

const OF_POD = "targetRef: { kind: Pod, name: web-3, namespace: shop }";

export const endpointSliceSettings: KindSettings = {
  kind: "EndpointSlice",
  apiVersion: "discovery.k8s.io/v1",
  metadata: { name: "own-2", namespace: "shop", labels: { "kubernetes.io/service-name": "own" } },
  isFlat: true,
  spec: slice(""),
  settings: (
    [
      { fields: /addressType/, spec: slice(OF_POD) },
      { fields: /addresses/, values: [["10.9.0.1"], ["10.9.0.2"]] },
      { fields: /hostname/, beside: ownService("clusterIP: None") },
      {
        fields: /nodeName/,
        values: ["near", "far"],
        beside: ownService("clusterIP: 10.96.0.9, internalTrafficPolicy: Local"),
      },
      { fields: /targetRef\.kind/, spec: slice(OF_POD), values: ["Pod", "Node"] },
      { fields: /targetRef\.name$/, spec: slice(OF_POD), values: ["web-3", "other"] },
      { fields: /targetRef\.namespace/, spec: slice(OF_POD), values: ["shop", "other"] },
      { fields: /ports\[\]\.name/, values: ["http", "more"] },
      { fields: /./ },
    ] satisfies readonly FieldSetting[]
  ).map((setting) => ({ beside: ownService("clusterIP: 10.96.0.9"), ...setting })),
};

/** `container` is the rest of its one container, `more` of the spec, in YAML's flow style. */
function gatewayPod(container: string, more = "serviceAccountName: edge"): unknown {
  return yaml(
    `{ spec: { containers: [{ name: proxy, ${container} }], ${more} }, status: { podIP: 10.244.0.5, phase: Running } }`,
  );
}

const ROUTER = "args: [proxy, router]";

const NAMED_PORT = `
apiVersion: v1
kind: Service
metadata: { name: edge, namespace: edge }
spec: { clusterIP: 10.96.0.3, selector: { app: edge }, ports: [{ name: http, port: 80, targetPort: some }] }
`;

const NEAR_FIRST = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, trafficPolicy: { outlierDetection: { interval: 1s } } }
`;

const WORDS = [
  ["proxy", "router"],
  ["proxy", "sidecar"],
];

/** The pod of the scene's gateway. */
export const gatewayPodSettings: KindSettings = {
  kind: "Pod",
  apiVersion: "v1",
  metadata: { name: "edge-1", namespace: "edge", uid: "uid-edge-1", labels: { app: "edge" } },
  isFlat: true,
  spec: gatewayPod(ROUTER),
  settings: [
    {
      fields: /serviceAccountName/,
      spec: gatewayPod(ROUTER, ""),
      values: ["edge", "other"],
      endsStreams: true,
    },
    { fields: /nodeName/, values: ["near", "far"], beside: NEAR_FIRST },
    { fields: /command|args/, spec: gatewayPod(""), values: WORDS, endsStreams: true },
    {
      fields: /ports\[\]\.name/,
      spec: gatewayPod(`${ROUTER}, ports: [{ containerPort: 8080 }]`),
      beside: NAMED_PORT,
    },
    {
      fields: /ports\[\]\.containerPort/,
      spec: gatewayPod(`${ROUTER}, ports: [{ name: some }]`),
      values: [8080, 8081],
      beside: NAMED_PORT,
    },
  ],
};
