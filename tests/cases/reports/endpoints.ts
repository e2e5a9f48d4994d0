// Reports about the endpoints of a service: their ports, their order, and whether they are spoken to with mTLS.

import type { CaseProxy } from "../simulated-proxy.ts";
import type { JsonObject } from "../walk-call.ts";
import { object, objects, text } from "../walk-call.ts";
import { destinationRule, mesh, type Report, service, serviceEntry, sidecar, toService } from "./report.ts";

const shop = sidecar("shop");
const here: CaseProxy = { ...shop, locality: { region: "here", zone: "a" } };

const pod = (name: string, ip: string, labels: string) => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { ${labels} } }
spec: { containers: [{ name: app, image: app }] }
status: { podIP: ${ip}, phase: Running, conditions: [{ type: Ready, status: "True" }] }
`;
const endpoint = (name: string, ip: string) =>
  `{ addresses: [${ip}], conditions: { ready: true }, targetRef: { kind: Pod, name: ${name}, namespace: shop } }`;
const slice = (name: string, ports: string, endpoints: string) => `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [${ports}]
endpoints: [${endpoints}]
`;

function endpointsOf(assignment: JsonObject | undefined) {
  return objects(assignment?.endpoints).flatMap((group) =>
    objects(group.lbEndpoints).map((each) => ({ group, each })),
  );
}

/** Each as `ADDRESS:PORT`. */
const addressesOf = (_: JsonObject | undefined, assignment: JsonObject | undefined) =>
  endpointsOf(assignment).map(({ each }) => addressOf(each));

function addressOf({ endpoint }: JsonObject): string {
  const { address, portValue } = object(object(object(endpoint).address).socketAddress);
  return `${text(address)}:${portValue}`;
}

/** Each as `PRIORITY ADDRESS:PORT`, sorted. */
const prioritiesOf = (_: JsonObject | undefined, assignment: JsonObject | undefined) =>
  endpointsOf(assignment)
    .map(({ group, each }) => `${group.priority ?? 0} ${addressOf(each)}`)
    .sort();

const speaksTls = (cluster: JsonObject | undefined) =>
  cluster?.transportSocket !== undefined || cluster?.transportSocketMatches !== undefined;

/** Headless, of a pod with a sidecar and of others without. */
const headless = (otherCount: number) =>
  mesh(
    service("shop/db", "clusterIP: None, selector: { app: db }, ports: [{ name: http, port: 80 }]"),
    pod("db-0", "10.244.1.1", "app: db, security.istio.io/tlsMode: istio"),
    ...Array.from({ length: otherCount }, (_, at) => pod(`db-${at + 1}`, `10.244.1.${at + 2}`, "app: db")),
    slice(
      "db",
      "{ name: http, port: 80 }",
      Array.from({ length: otherCount + 1 }, (_, at) => endpoint(`db-${at}`, `10.244.1.${at + 1}`)).join(),
    ),
  );

const entryOfWorkloads = (more: string) =>
  serviceEntry(
    "shop/test",
    `hosts: [test.global], addresses: [192.0.2.5], location: MESH_INTERNAL, resolution: STATIC,
     workloadSelector: { labels: { foo: bar } }, ports: [{ number: 1234, name: http-1234, protocol: HTTP${more} }]`,
  );

const zones = (outlier: string, setting: string) =>
  mesh(
    service("shop/web", "clusterIP: 10.96.0.1, ports: [{ name: http, port: 80, targetPort: 80 }]"),
    ...["a", "b"].map((zone, at) =>
      pod(`web-${zone}`, `10.244.1.${at + 1}`, `app: web, istio-locality: here.${zone}`),
    ),
    slice(
      "web",
      "{ name: http, port: 80 }",
      ["a", "b"].map((zone, at) => endpoint(`web-${zone}`, `10.244.1.${at + 1}`)).join(),
    ),
    destinationRule("shop/web", `host: web, trafficPolicy: { ${outlier} loadBalancer: { ${setting} } }`),
  );

export const endpointReports: readonly Report[] = [
  {
    number: 25110,
    says: "a ServiceEntry selects pods, at its target port",
    mesh: mesh(pod("web-1", "10.244.1.1", "foo: bar"), entryOfWorkloads(", targetPort: 8080")),
    clusters: [
      { from: shop, name: "outbound|1234||test.global", look: addressesOf, is: ["10.244.1.1:8080"] },
    ],
  },
  {
    number: 23673,
    says: "a headless service's pods without a sidecar are spoken to without mTLS",
    mesh: headless(1),
    clusters: [{ from: shop, name: toService("db.shop", 80), look: speaksTls, is: false }],
  },
  {
    number: 10659,
    says: "a headless service's pods are spoken to with mTLS where all have a sidecar",
    mesh: headless(0),
    clusters: [{ from: shop, name: toService("db.shop", 80), look: speaksTls, is: true }],
  },
  {
    number: 12961,
    says: "requests stay near only where outlier detection can lead them elsewhere",
    mesh: zones("", "localityLbSetting: { enabled: true }"),
    clusters: [
      {
        ...{ from: here, name: toService("web.shop", 80), look: prioritiesOf },
        is: ["0 10.244.1.1:80", "0 10.244.1.2:80"],
      },
    ],
  },
  {
    number: 33024,
    says: "with outlier detection the nearest endpoints come first, and the others after them",
    mesh: zones("outlierDetection: { consecutive5xxErrors: 3 },", "localityLbSetting: { enabled: true }"),
    clusters: [
      {
        ...{ from: here, name: toService("web.shop", 80), look: prioritiesOf },
        is: ["0 10.244.1.1:80", "1 10.244.1.2:80"],
      },
    ],
  },
  {
    number: 48197,
    says: "a distribution needs no outlier detection, and leaves no endpoint to those that it doesn't name",
    mesh: zones(
      "",
      'localityLbSetting: { enabled: true, distribute: [{ from: "here/*", to: { "here/b/*": 100 } }] }',
    ),
    clusters: [{ from: here, name: toService("web.shop", 80), look: prioritiesOf, is: ["0 10.244.1.2:80"] }],
  },
];
