// Reports about which DestinationRule counts for whom, and what of it.

import type { JsonObject } from "../walk-call.ts";
import { object, objects, text } from "../walk-call.ts";
import { destinationRule, mesh, type Report, service, serviceEntry, sidecar, toService } from "./report.ts";

const web = service(
  "shop/web",
  "clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }, { name: http-2, port: 81 }]",
);
const host = "host: web.shop.svc.cluster.local";
const subset = (name: string) => `{ name: ${name}, labels: { version: ${name} } }`;

const isThere = (cluster: JsonObject | undefined) => cluster !== undefined;
const balancing = (cluster: JsonObject | undefined) =>
  cluster === undefined ? "no cluster" : text(cluster.lbPolicy) || "ROUND_ROBIN";
/** The name of the secret of the client's certificate, in the first socket that TLS is spoken by. */
const clientSecret = (cluster: JsonObject | undefined) => {
  const matches = objects(cluster?.transportSocketMatches).map((match) => object(match.transportSocket));
  const sockets = [object(cluster?.transportSocket), ...matches];
  const contexts = sockets.map((socket) => object(object(socket.typedConfig).commonTlsContext));
  const secrets = contexts.flatMap((context) => objects(context.tlsCertificateSdsSecretConfigs));
  return text(secrets[0]?.name);
};

/** Whether a caller has clusters of the subsets. */
const subsets = (namespace: string, known: Readonly<Record<string, boolean>>) =>
  Object.entries(known).map(([name, is]) => ({
    ...{ from: sidecar(namespace), name: toService("web.shop", 80, name) },
    ...{ look: isThere, is },
  }));

export const destinationRules: readonly Report[] = [
  {
    number: 44366,
    says: "rules of one namespace that are exported to different ones don't become one",
    mesh: mesh(
      web,
      destinationRule("shop/one", `${host}, exportTo: [b], subsets: [${subset("v1")}]`),
      destinationRule("shop/two", `${host}, exportTo: [c], subsets: [${subset("v2")}]`),
    ),
    clusters: [...subsets("b", { v1: true, v2: false }), ...subsets("c", { v1: false, v2: true })],
  },
  {
    number: 52519,
    says: "each caller has the settings of the rule that is exported to it",
    mesh: mesh(
      web,
      destinationRule(
        "shop/a",
        `${host}, exportTo: [b], trafficPolicy: { loadBalancer: { simple: RANDOM } }`,
      ),
      destinationRule(
        "shop/b",
        `${host}, exportTo: [c, d], trafficPolicy: { loadBalancer: { simple: LEAST_REQUEST } }`,
      ),
    ),
    clusters: [
      { from: sidecar("b"), name: toService("web.shop", 80), look: balancing, is: "RANDOM" },
      { from: sidecar("c"), name: toService("web.shop", 80), look: balancing, is: "LEAST_REQUEST" },
      { from: sidecar("d"), name: toService("web.shop", 80), look: balancing, is: "LEAST_REQUEST" },
    ],
  },
  {
    number: 22147,
    says: "the caller's own namespace comes before the service's, and they don't become one",
    mesh: mesh(
      web,
      destinationRule("shop/web", `${host}, subsets: [${subset("v1")}]`),
      destinationRule("b/web", `${host}, subsets: [${subset("v2")}]`),
    ),
    clusters: [...subsets("b", { v1: false, v2: true }), ...subsets("c", { v1: true, v2: false })],
  },
  {
    number: 51545,
    says: "rules of one namespace for one host give all of their subsets",
    mesh: mesh(
      web,
      ...["v1", "v2", "v3"].map((name) =>
        destinationRule(`shop/${name}`, `host: web, subsets: [${subset(name)}]`),
      ),
    ),
    clusters: subsets("c", { v1: true, v2: true, v3: true }),
  },
  {
    number: 58322,
    says: "a rule for some callers leaves others what is for all",
    mesh: mesh(
      web,
      destinationRule(
        "b/some",
        `${host}, exportTo: ["."], workloadSelector: { matchLabels: { app: one } },
         trafficPolicy: { loadBalancer: { simple: RANDOM } }`,
      ),
      destinationRule(
        "b/all",
        `${host}, exportTo: ["."], trafficPolicy: { loadBalancer: { simple: LEAST_REQUEST } }`,
      ),
    ),
    clusters: [
      { from: sidecar("b", { app: "one" }), name: toService("web.shop", 80), look: balancing, is: "RANDOM" },
      {
        ...{ from: sidecar("b", { app: "two" }), name: toService("web.shop", 80) },
        ...{ look: balancing, is: "LEAST_REQUEST" },
      },
    ],
  },
  {
    number: 19459,
    says: "a rule for one host isn't taken for a wildcard ServiceEntry that covers it",
    mesh: mesh(
      serviceEntry(
        "shop/wild",
        `hosts: ["*.bar.com"], resolution: STATIC, endpoints: [{ address: 192.0.2.9 }],
         ports: [{ number: 80, name: http, protocol: HTTP }]`,
      ),
      destinationRule("shop/foo", "host: foo.bar.com, trafficPolicy: { loadBalancer: { simple: RANDOM } }"),
    ),
    clusters: [
      { from: sidecar("shop"), name: "outbound|80||*.bar.com", look: balancing, is: "LEAST_REQUEST" },
    ],
  },
  {
    number: 34508,
    says: "a subset without settings has those of the rule's ports",
    mesh: mesh(
      web,
      destinationRule(
        "shop/web",
        `host: web, subsets: [${subset("v1")}], trafficPolicy: { portLevelSettings: [
           { port: { number: 80 }, loadBalancer: { simple: RANDOM } }] }`,
      ),
    ),
    clusters: [
      { from: sidecar("shop"), name: toService("web.shop", 80, "v1"), look: balancing, is: "RANDOM" },
      { from: sidecar("shop"), name: toService("web.shop", 81, "v1"), look: balancing, is: "LEAST_REQUEST" },
    ],
  },
  {
    number: 7415,
    says: "ISTIO_MUTUAL for a port of a subset counts for that port alone",
    mesh: mesh(
      web,
      destinationRule(
        "shop/web",
        `host: web, trafficPolicy: { tls: { mode: DISABLE } },
         subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { portLevelSettings: [
           { port: { number: 80 }, tls: { mode: ISTIO_MUTUAL } }] } }]`,
      ),
    ),
    clusters: [
      { from: sidecar("shop"), name: toService("web.shop", 80, "v1"), look: clientSecret, is: "default" },
      { from: sidecar("shop"), name: toService("web.shop", 81, "v1"), look: clientSecret, is: "" },
      { from: sidecar("shop"), name: toService("web.shop", 80), look: clientSecret, is: "" },
    ],
  },
  {
    number: 7666,
    says: "a subset's TLS mode comes before its rule's",
    mesh: mesh(
      web,
      destinationRule(
        "shop/web",
        `host: web, trafficPolicy: { tls: { mode: DISABLE } },
         subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { tls: { mode: ISTIO_MUTUAL } } }]`,
      ),
    ),
    clusters: [
      { from: sidecar("shop"), name: toService("web.shop", 80, "v1"), look: clientSecret, is: "default" },
      { from: sidecar("shop"), name: toService("web.shop", 80), look: clientSecret, is: "" },
    ],
  },
];
