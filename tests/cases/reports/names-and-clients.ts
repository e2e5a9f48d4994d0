// Reports about names that mean the same, rules for some clients only, and what a pod's own ports are.

import type { JsonObject } from "../walk-call.ts";
import { object, objects, text } from "../walk-call.ts";
import {
  destinationRule,
  gateway,
  gatewayOf,
  mesh,
  peerAuthentication,
  type Report,
  service,
  serviceEntry,
  sidecar,
  toService,
  virtualService,
} from "./report.ts";

const shop = sidecar("shop");
const web = service("shop/web", "clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }]");
const api = service("shop/api", "clusterIP: 10.96.0.2, ports: [{ name: http, port: 80 }]");
const [toWeb, toApi] = [toService("web.shop", 80), toService("api.shop", 80)];

const socketsOf = (cluster: JsonObject | undefined): readonly JsonObject[] => [
  object(cluster?.transportSocket),
  ...objects(cluster?.transportSocketMatches).map((match) => object(match.transportSocket)),
];
const speaksTls = (cluster: JsonObject | undefined) =>
  socketsOf(cluster).some(({ name }) => name === "envoy.transport_sockets.tls");

/** Where a cluster's connections go by itself, as `ADDRESS:PORT`. */
const endpointsOf = (cluster: JsonObject | undefined) =>
  objects(object(cluster?.loadAssignment).endpoints)
    .flatMap(({ lbEndpoints }) => objects(lbEndpoints))
    .map(({ endpoint }) => object(object(object(endpoint).address).socketAddress))
    .map(({ address, portValue }) => `${text(address)}:${portValue}`);

/** Of a service that the proxy itself is a pod of. */
const ownSlice = (name: string, ports: string) => `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [${ports}]
endpoints: [{ addresses: [10.244.0.9], conditions: { ready: true } }]
`;
const inbound = (port: number, tls: "plaintext" | "mtls" = "mtls", protocol: "http" | "tcp" = "http") => ({
  from: shop,
  to: `10.244.0.9:${port}`,
  request: {
    callMode: "inbound",
    protocol,
    tls,
    ...(tls === "mtls" ? { alpn: protocol === "http" ? "istio-http/1.1" : "istio" } : {}),
  } as const,
});

const twoServices = (one: string, other: string) =>
  mesh(
    service("shop/one", `clusterIP: 10.96.0.3, ports: [${one}]`),
    service("shop/two", `clusterIP: 10.96.0.4, ports: [${other}]`),
  );

export const namesAndClients: readonly Report[] = [
  {
    number: 56007,
    says: "a Host header that ends with a dot is the same host",
    mesh: mesh(
      web,
      gatewayOf("shop/edge", 'servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]'),
      virtualService(
        "shop/www",
        "hosts: [www.example.com], gateways: [edge], http: [{ route: [{ destination: { host: web } }] }]",
      ),
    ),
    calls: [
      { from: shop, to: "10.96.0.1:80", request: { hostHeader: "web.shop.svc.cluster.local." }, goes: toWeb },
      {
        from: shop,
        to: "10.96.0.1:80",
        request: { hostHeader: "web.shop.svc.cluster.local.:80" },
        goes: toWeb,
      },
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "www.example.com." }, goes: toWeb },
    ],
  },
  {
    number: 28103,
    says: "a rule and an entry name the same host with and without a dot at the end",
    mesh: mesh(
      web,
      serviceEntry(
        "shop/outside",
        `hosts: [out.example.], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }]`,
      ),
      virtualService(
        "shop/outside",
        `hosts: [out.example], http: [
           { match: [{ uri: { prefix: /web } }], route: [{ destination: { host: web.shop.svc.cluster.local. } }] },
           { route: [{ destination: { host: out.example. } }] }]`,
      ),
    ),
    calls: ["out.example", "out.example."].flatMap((hostHeader) => [
      { from: shop, to: "192.0.2.1:80", request: { hostHeader, path: "/web" }, goes: toWeb },
      { from: shop, to: "192.0.2.1:80", request: { hostHeader }, goes: "outbound|80||out.example" },
    ]),
  },
  {
    number: 51314,
    says: "a rule for some clients leaves others the service as it is",
    mesh: mesh(
      web,
      api,
      virtualService(
        "shop/web",
        `hosts: [web], http: [{ match: [{ sourceLabels: { app: good } }], route: [{ destination: { host: api } }] }]`,
      ),
    ),
    calls: [
      {
        ...{ from: sidecar("shop", { app: "good" }), to: "10.96.0.1:80", request: { hostHeader: "web" } },
        goes: toApi,
      },
      { from: shop, to: "10.96.0.1:80", request: { hostHeader: "web" }, goes: toWeb },
    ],
  },
  {
    number: 60367,
    says: "of the clients that a rule is for, requests that it doesn't match go nowhere",
    mesh: mesh(
      web,
      virtualService(
        "shop/web",
        `hosts: [web], http: [{ match: [{ sourceLabels: { app: good }, headers: { x-trigger: { exact: "yes" } } }],
           route: [{ destination: { host: web } }] }]`,
      ),
    ),
    calls: [
      ...["yes", "no"].map((value) => ({
        ...{ from: sidecar("shop", { app: "good" }), to: "10.96.0.1:80" },
        request: { hostHeader: "web", fields: { headers: { "x-trigger": value } } },
        goes: value === "yes" ? toWeb : "nowhere",
      })),
      { from: shop, to: "10.96.0.1:80", request: { hostHeader: "web" }, goes: toWeb },
    ],
  },
  {
    number: 24135,
    says: "of two Gateways with one name a rule is for the one of the namespace that it names",
    mesh: mesh(
      web,
      api,
      gatewayOf("foo/edge", 'servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]'),
      gatewayOf("bar/edge", 'servers: [{ port: { number: 81, name: http, protocol: HTTP }, hosts: ["*"] }]'),
      ...["foo", "bar"].map((namespace) =>
        virtualService(
          `${namespace}/routes`,
          `hosts: ["*"], gateways: [${namespace}/edge], http: [{ route: [{ destination: {
             host: ${namespace === "foo" ? "web" : "api"}.shop.svc.cluster.local } }] }]`,
        ),
      ),
    ),
    calls: [
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "x.example" }, goes: toWeb },
      { from: gateway, to: "10.0.0.1:81", request: { hostHeader: "x.example" }, goes: toApi },
    ],
  },
  {
    number: 36672,
    says: "a rule for a host comes before one for all, in one namespace",
    mesh: mesh(
      service("other/web", "clusterIP: 10.96.0.9, ports: [{ name: http, port: 80 }]"),
      web,
      destinationRule("shop/all", 'host: "*", trafficPolicy: { tls: { mode: ISTIO_MUTUAL } }'),
      destinationRule(
        "shop/plain",
        "host: web.other.svc.cluster.local, trafficPolicy: { tls: { mode: DISABLE } }",
      ),
    ),
    clusters: [
      { from: shop, name: toService("web.other", 80), look: speaksTls, is: false },
      { from: shop, name: toWeb, look: speaksTls, is: true },
    ],
  },
  {
    number: 20201,
    says: "a rule of the root namespace for the whole cluster counts for every client",
    mesh: mesh(
      web,
      destinationRule(
        "istio-system/default",
        'host: "*.local", trafficPolicy: { tls: { mode: ISTIO_MUTUAL } }',
      ),
    ),
    clusters: [
      { from: shop, name: toWeb, look: speaksTls, is: true },
      { from: sidecar("b"), name: toWeb, look: speaksTls, is: true },
    ],
  },
  {
    number: 24717,
    says: "a rule for another port than 80 leads plain requests to the port where TLS begins",
    mesh: mesh(
      serviceEntry(
        "shop/my-host",
        `hosts: [my.host.com], resolution: DNS, ports: [{ number: 8080, name: http, protocol: HTTP },
           { number: 443, name: https, protocol: HTTPS }]`,
      ),
      virtualService(
        "shop/my-host",
        `hosts: [my.host.com], http: [{ match: [{ port: 8080 }],
           route: [{ destination: { host: my.host.com, port: { number: 443 } } }] }]`,
      ),
      destinationRule(
        "shop/my-host",
        "host: my.host.com, trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE } }] }",
      ),
    ),
    calls: [
      {
        ...{ from: shop, to: "192.0.2.1:8080", request: { hostHeader: "my.host.com:8080" } },
        goes: "outbound|443||my.host.com",
      },
    ],
    clusters: [{ from: shop, name: "outbound|443||my.host.com", look: speaksTls, is: true }],
  },
  {
    number: 30966,
    says: "TLS to another host begins with its name, at the port that the entry leads to",
    mesh: mesh(
      serviceEntry(
        "shop/edition",
        `hosts: [edition.example], resolution: DNS, ports: [
           { number: 80, name: http, protocol: HTTP, targetPort: 443 }, { number: 443, name: https, protocol: HTTPS }]`,
      ),
      destinationRule(
        "shop/edition",
        "host: edition.example, trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: SIMPLE } }] }",
      ),
    ),
    clusters: [
      { from: shop, name: "outbound|80||edition.example", look: speaksTls, is: true },
      { from: shop, name: "outbound|80||edition.example", look: endpointsOf, is: ["edition.example:443"] },
      { from: shop, name: "outbound|443||edition.example", look: speaksTls, is: false },
    ],
  },
  {
    number: 13423,
    says: "two services with one port lead to two ports of a pod",
    mesh: mesh(
      twoServices("{ name: http, port: 80, targetPort: 8080 }", "{ name: http, port: 80, targetPort: 8081 }"),
      ownSlice("one", "{ name: http, port: 8080 }"),
      ownSlice("two", "{ name: http, port: 8081 }"),
    ),
    calls: [
      { ...inbound(8080), goes: "inbound|8080||" },
      { ...inbound(8081), goes: "inbound|8081||" },
      { ...inbound(8081, "plaintext"), goes: "inbound|8081||" },
    ],
  },
  {
    number: 13839,
    says: "two ports of a service lead to one port of a pod",
    mesh: mesh(
      service(
        "shop/one",
        `clusterIP: 10.96.0.3, ports: [{ name: http, port: 80, targetPort: 8080 },
           { name: http-2, port: 8443, targetPort: 8080 }]`,
      ),
      ownSlice("one", "{ name: http, port: 8080 }, { name: http-2, port: 8080 }"),
    ),
    calls: [{ ...inbound(8080), goes: "inbound|8080||" }],
  },
  {
    number: 49098,
    says: "a port's mTLS mode is for the pod's port, whatever the service's is",
    mesh: mesh(
      service("shop/one", "clusterIP: 10.96.0.3, ports: [{ name: http, port: 8000, targetPort: 8080 }]"),
      ownSlice("one", "{ name: http, port: 8080 }"),
      peerAuthentication(
        "shop/one",
        "selector: { matchLabels: { app: one } }, portLevelMtls: { 8080: { mode: STRICT } }",
      ),
    ),
    calls: [
      {
        ...inbound(8080, "plaintext"),
        from: sidecar("shop", { app: "one" }),
        goes: "no filter chains matched",
      },
      { ...inbound(8080), from: sidecar("shop", { app: "one" }), goes: "inbound|8080||" },
      { ...inbound(8080, "plaintext"), goes: "inbound|8080||" },
    ],
  },
  {
    number: 27994,
    says: "a port that no service names can be without mTLS while all others must have it",
    mesh: peerAuthentication(
      "shop/default",
      "selector: { matchLabels: { app: one } }, mtls: { mode: STRICT }, portLevelMtls: { 9090: { mode: DISABLE } }",
    ),
    calls: [
      {
        ...inbound(9090, "plaintext"),
        ...{ from: sidecar("shop", { app: "one" }), goes: "InboundPassthroughCluster" },
      },
      {
        ...inbound(9091, "plaintext"),
        ...{ from: sidecar("shop", { app: "one" }), goes: "no filter chains matched" },
      },
    ],
  },
];
