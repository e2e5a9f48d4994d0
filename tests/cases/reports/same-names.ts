// Reports about two objects for one name: whose rule, entry or server a client or gateway gets.

import {
  gateway,
  gatewayOf,
  mesh,
  type Report,
  service,
  serviceEntry,
  sidecar,
  toService,
  virtualService,
} from "./report.ts";

const web = service("shop/web", "clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }]");
const api = service("shop/api", "clusterIP: 10.96.0.2, ports: [{ name: http, port: 80 }]");
const far = service("far/api", "clusterIP: 10.96.0.3, ports: [{ name: http, port: 80 }]");
const [toWeb, toApi, toFar] = [
  toService("web.shop", 80),
  toService("api.shop", 80),
  toService("api.far", 80),
];

/** Of equal age the first by namespace and name is the older one. */
const ruleFor = (name: string, to: string, more = "") =>
  virtualService(
    name,
    `hosts: [web.shop.svc.cluster.local], ${more}
     http: [{ route: [{ destination: { host: ${to}.svc.cluster.local } }] }]`,
  );
const callWeb = (namespace: string, goes: string) => ({
  from: sidecar(namespace),
  to: "10.96.0.1:80",
  request: { hostHeader: "web.shop.svc.cluster.local" },
  goes,
});

const entryFor = (name: string, port: number) =>
  serviceEntry(
    name,
    `hosts: [api.outside], resolution: STATIC, endpoints: [{ address: 192.0.2.${port % 100} }],
     ports: [{ number: ${port}, name: http, protocol: HTTP }]`,
  );

export const sameNames: readonly Report[] = [
  {
    number: 22803,
    says: "of two rules for a host a private one counts for its own namespace, whichever is older",
    mesh: mesh(
      web,
      api,
      far,
      ruleFor("a/public", "api.shop"),
      ruleFor("b/private", "api.far", 'exportTo: ["."],'),
    ),
    calls: [callWeb("b", toFar), callWeb("c", toApi)],
  },
  {
    number: 11606,
    says: "rules of different namespaces for different hosts all count",
    mesh: mesh(
      web,
      api,
      far,
      ruleFor("a/web", "api.far"),
      virtualService(
        "b/web",
        "hosts: [api.shop.svc.cluster.local], http: [{ route: [{ destination: { host: api.far.svc.cluster.local } }] }]",
      ),
    ),
    calls: [
      callWeb("c", toFar),
      { from: sidecar("c"), to: "10.96.0.2:80", request: { hostHeader: "api.shop" }, goes: toFar },
    ],
  },
  {
    number: 35127,
    says: "services of one name in two namespaces have each their own rule",
    mesh: mesh(
      ...["one", "two"].map((namespace, at) =>
        mesh(
          service(`${namespace}/same`, `clusterIP: 10.96.1.${at}, ports: [{ name: http, port: 80 }]`),
          service(`${namespace}/worker`, `clusterIP: 10.96.2.${at}, ports: [{ name: http, port: 80 }]`),
          virtualService(
            `${namespace}/same`,
            "hosts: [same], http: [{ route: [{ destination: { host: worker } }] }]",
          ),
        ),
      ),
    ),
    calls: [
      {
        ...{ from: sidecar("one"), to: "10.96.1.0:80", request: { hostHeader: "same" } },
        goes: toService("worker.one", 80),
      },
      {
        ...{ from: sidecar("one"), to: "10.96.1.1:80", request: { hostHeader: "same.two" } },
        goes: toService("worker.two", 80),
      },
      {
        ...{
          from: sidecar("three"),
          to: "10.96.1.1:80",
          request: { hostHeader: "same.two.svc.cluster.local" },
        },
        goes: toService("worker.two", 80),
      },
    ],
  },
  {
    number: 13008,
    says: "of two entries for a host a client has the one of its own namespace",
    mesh: mesh(web, entryFor("a/api", 80), entryFor("b/api", 8080)),
    calls: [
      {
        ...{ from: sidecar("b"), to: "192.0.2.200:8080", request: { hostHeader: "api.outside:8080" } },
        goes: "outbound|8080||api.outside",
      },
      {
        ...{ from: sidecar("b"), to: "192.0.2.200:80", request: { hostHeader: "api.outside" } },
        goes: "PassthroughCluster",
      },
      {
        ...{ from: sidecar("a"), to: "192.0.2.200:80", request: { hostHeader: "api.outside" } },
        goes: "outbound|80||api.outside",
      },
    ],
  },
  {
    number: 31701,
    says: "a rule for all hosts is for those of the Gateway's server",
    mesh: mesh(
      web,
      gatewayOf(
        "shop/edge",
        'servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*.mycompany.com"] }]',
      ),
      virtualService(
        "shop/portal",
        'hosts: ["*"], gateways: [edge], http: [{ match: [{ uri: { prefix: /openam } }], route: [{ destination: { host: web } }] }]',
      ),
    ),
    calls: [
      {
        ...{
          from: gateway,
          to: "10.0.0.1:80",
          request: { hostHeader: "portal.mycompany.com", path: "/openam/x" },
        },
        goes: toWeb,
      },
      {
        ...{ from: gateway, to: "10.0.0.1:80", request: { hostHeader: "portal.mycompany.com" } },
        goes: "nowhere",
      },
      {
        ...{
          from: gateway,
          to: "10.0.0.1:80",
          request: { hostHeader: "portal.other.com", path: "/openam/x" },
        },
        goes: "nowhere",
      },
    ],
  },
  {
    number: 17498,
    says: "a gateway serves no host that none of its servers has",
    mesh: mesh(
      web,
      api,
      ...["example.com", "api.example.com"].map((hostname, at) =>
        gatewayOf(
          `shop/edge-${at}`,
          `servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [${hostname}] }]`,
        ),
      ),
      virtualService(
        "shop/web",
        "hosts: [example.com], gateways: [edge-0], http: [{ route: [{ destination: { host: web } }] }]",
      ),
      virtualService(
        "shop/api",
        "hosts: [api.example.com], gateways: [edge-1], http: [{ route: [{ destination: { host: api } }] }]",
      ),
    ),
    calls: [
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "example.com" }, goes: toWeb },
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "api.example.com" }, goes: toApi },
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "x.example.com" }, goes: "nowhere" },
    ],
  },
  {
    number: 23318,
    says: "Gateways that keep one wildcard to a namespace each take the rules of that namespace",
    mesh: mesh(
      web,
      far,
      ...["shop", "far"].map((namespace) =>
        mesh(
          gatewayOf(
            `${namespace}/edge`,
            `servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["${namespace}/*.example.com"] }]`,
          ),
          virtualService(
            `${namespace}/routes`,
            `hosts: [${namespace}.example.com], gateways: [edge],
             http: [{ route: [{ destination: { host: ${namespace === "shop" ? "web" : "api"} } }] }]`,
          ),
        ),
      ),
    ),
    calls: [
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "shop.example.com" }, goes: toWeb },
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "far.example.com" }, goes: toFar },
    ],
  },
  {
    number: 5514,
    says: "a destination without a port is the service's only one, whatever the gateway's is",
    mesh: mesh(
      service("shop/hello", "clusterIP: 10.96.0.7, ports: [{ name: http, port: 8080 }]"),
      gatewayOf("shop/edge", 'servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]'),
      virtualService(
        "shop/hello",
        'hosts: ["*"], gateways: [edge], http: [{ route: [{ destination: { host: hello } }] }]',
      ),
    ),
    calls: [
      {
        ...{ from: gateway, to: "10.0.0.1:80", request: { hostHeader: "x.example" } },
        goes: toService("hello.shop", 8080),
      },
    ],
  },
];
