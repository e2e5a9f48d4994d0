// Where the fields of Services, EndpointSlices and WorkloadGroups matter.

import type { KindSettings } from "./field-settings.ts";
import { yaml } from "./field-settings.ts";

/** `more` is in YAML's flow style. Its endpoints are in the scene's EndpointSlice. */
function service(more: string): unknown {
  return yaml(
    `{ clusterIP: 10.96.0.9, selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }], ${more} }`,
  );
}

export const serviceSettings: KindSettings = {
  kind: "Service",
  apiVersion: "v1",
  metadata: { name: "own", namespace: "shop" },
  spec: service(""),
  settings: [
    { fields: /clusterIP$/, values: ["10.96.0.10", "10.96.0.11"] },
    { fields: /clusterIPs$/, values: [["10.96.0.10"], ["10.96.0.11"]] },
    { fields: /selector/, values: ["web", "client"], spec: service("selector: { app: a }") },
    { fields: /spec\.type/, same: [["ClusterIP", "NodePort", "LoadBalancer"]] },
    {
      fields: /externalName/,
      spec: yaml("{ type: ExternalName }"),
      values: ["web.shop.svc.cluster.local", "other.shop.svc.cluster.local"],
    },
    { fields: /trafficDistribution/, values: ["PreferClose", "PreferSameNode"] },
    { fields: /ports\[\]\.name/, values: ["http", "more"] },
    { fields: /ports\[\]\.protocol/, same: [["UDP", "SCTP"]] },
    { fields: /ports\[\]\.appProtocol/, values: ["http", "tcp"] },
    { fields: /ports\[\]\.targetPort/, values: [8080, 8090] },
  ],
};

const OF_MACHINES = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: machines, namespace: shop }
spec: { selector: { matchLabels: { app: some } }, mtls: { mode: STRICT } }
`;

const NEAR_FIRST = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, trafficPolicy: { outlierDetection: { interval: 1s } } }
`;

export const workloadGroupSettings: KindSettings = {
  kind: "WorkloadGroup",
  apiVersion: "networking.istio.io/v1",
  metadata: { name: "machines", namespace: "shop" },
  spec: yaml("{ template: { serviceAccount: machine } }"),
  settings: [
    {
      fields: /metadata\.labels/,
      spec: yaml("{ metadata: { labels: { app: a } }, template: { serviceAccount: machine } }"),
      beside: OF_MACHINES,
    },
    {
      fields: /template\.labels/,
      spec: yaml("{ template: { serviceAccount: machine, labels: { app: a } } }"),
      beside: OF_MACHINES,
    },
    { fields: /locality/, values: ["r1/z1", "r2/z2"], beside: NEAR_FIRST },
    { fields: /serviceAccount/, values: ["machine", "other"], endsStreams: true },
    {
      fields: /probe\.httpGet/,
      spec: yaml(
        "{ probe: { httpGet: { port: 80, httpHeaders: [{ name: a }] } }, template: { serviceAccount: machine } }",
      ),
    },
    {
      fields: /probe/,
      spec: yaml("{ probe: { tcpSocket: { port: 80 } }, template: { serviceAccount: machine } }"),
    },
  ],
};
