// Reports about where a sidecar's HTTP requests go by VirtualServices.

import type { Report } from "./report.ts";
import { mesh, service, serviceEntry, sidecar, toService, virtualService } from "./report.ts";

const shop = sidecar("shop");
const reviews = service("shop/reviews", "clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }]");
const onPort8080 = service("shop/late", "clusterIP: 10.96.0.2, ports: [{ name: http, port: 8080 }]");

const withoutUser = (match: string) =>
  mesh(
    reviews,
    onPort8080,
    virtualService(
      "shop/reviews",
      `hosts: [reviews], http: [
        { match: [{ withoutHeaders: { end-user: ${match} } }], route: [{ destination: { host: late } }] },
        { route: [{ destination: { host: reviews } }] }]`,
    ),
  );
const asUser = (user?: string) => ({
  hostHeader: "reviews",
  fields: { headers: user === undefined ? {} : { "end-user": user } },
});

export const sidecarRoutes: readonly Report[] = [
  {
    number: 33760,
    says: "a host that no service has is routed on port 80",
    mesh: mesh(
      reviews,
      onPort8080,
      virtualService(
        "shop/made-up",
        "hosts: [made.up], http: [{ route: [{ destination: { host: late } }] }]",
      ),
    ),
    calls: [
      {
        from: shop,
        to: "192.0.2.1:80",
        request: { hostHeader: "made.up" },
        goes: toService("late.shop", 8080),
      },
      { from: shop, to: "192.0.2.1:8080", request: { hostHeader: "made.up" }, goes: "PassthroughCluster" },
    ],
  },
  {
    number: 38934,
    says: "a rule of the caller's namespace for another's service counts on its port, and for that namespace alone",
    mesh: mesh(
      service("b/late", "clusterIP: 10.96.0.2, ports: [{ name: http, port: 8080 }]"),
      reviews,
      virtualService(
        "shop/late",
        `exportTo: ["."], hosts: [late.b.svc.cluster.local],
         http: [{ route: [{ destination: { host: reviews, port: { number: 80 } } }] }]`,
      ),
    ),
    calls: [
      {
        ...{ from: shop, to: "10.96.0.2:8080", request: { hostHeader: "late.b:8080" } },
        goes: toService("reviews.shop", 80),
      },
      {
        ...{ from: sidecar("b"), to: "10.96.0.2:8080", request: { hostHeader: "late:8080" } },
        goes: toService("late.b", 8080),
      },
    ],
  },
  {
    number: 34473,
    says: "a destination's port counts for each port of the host, and without one the called port does",
    mesh: mesh(
      service(
        "shop/api",
        "clusterIP: 10.96.0.3, ports: [{ name: http, port: 80 }, { name: http-api, port: 3001 }]",
      ),
      virtualService(
        "shop/api",
        `hosts: [api], http: [
          { match: [{ uri: { prefix: /fixed } }], route: [{ destination: { host: api, port: { number: 3001 } } }] },
          { route: [{ destination: { host: api } }] }]`,
      ),
    ),
    calls: [
      {
        ...{ from: shop, to: "10.96.0.3:80", request: { hostHeader: "api", path: "/fixed" } },
        goes: toService("api.shop", 3001),
      },
      { from: shop, to: "10.96.0.3:80", request: { hostHeader: "api" }, goes: toService("api.shop", 80) },
      {
        ...{ from: shop, to: "10.96.0.3:3001", request: { hostHeader: "api:3001" } },
        goes: toService("api.shop", 3001),
      },
    ],
  },
  {
    number: 54188,
    says: "a route to an ExternalName leads to what it stands for, whichever port was called",
    mesh: mesh(
      service(
        "shop/called",
        "clusterIP: 10.96.0.4, ports: [{ name: http, port: 80 }, { name: http-81, port: 81 }]",
      ),
      reviews,
      service(
        "shop/other-name",
        `type: ExternalName, externalName: reviews.shop.svc.cluster.local, ports: [{ name: http, port: 80 }]`,
      ),
      virtualService(
        "shop/called",
        "hosts: [called], http: [{ route: [{ destination: { host: other-name, port: { number: 80 } } }] }]",
      ),
    ),
    calls: [80, 81].map((port) => ({
      ...{ from: shop, to: `10.96.0.4:${port}`, request: { hostHeader: `called:${port}` } },
      goes: toService("reviews.shop", 80),
    })),
  },
  {
    number: 25179,
    says: "an ExternalName is a name of its service on a port whose protocol nobody told",
    mesh: mesh(
      service("shop/plain", "clusterIP: 10.96.0.5, ports: [{ name: web, port: 30003 }]"),
      service(
        "shop/other-name",
        "type: ExternalName, externalName: plain.shop.svc.cluster.local, ports: [{ port: 30003 }]",
      ),
    ),
    calls: [
      {
        ...{ from: shop, to: "10.96.0.5:30003", request: { hostHeader: "other-name:30003" } },
        goes: toService("plain.shop", 30003),
      },
    ],
  },
  {
    number: 13193,
    says: "an ExternalName leads to each port of its service, declared or not",
    mesh: mesh(
      service(
        "shop/web",
        "clusterIP: 10.96.0.6, ports: [{ name: http, port: 8888 }, { name: http-2, port: 8081 }]",
      ),
      service("shop/other-name", "type: ExternalName, externalName: web.shop.svc.cluster.local"),
    ),
    calls: [8888, 8081].map((port) => ({
      ...{ from: shop, to: `10.96.0.6:${port}`, request: { hostHeader: `other-name:${port}` } },
      goes: toService("web.shop", port),
    })),
  },
  {
    number: 49485,
    says: "a rule for a host that a wildcard ServiceEntry covers counts on the entry's port",
    mesh: mesh(
      reviews,
      serviceEntry(
        "shop/books",
        `hosts: ["*.books.example"], resolution: STATIC, endpoints: [{ address: 192.0.2.9 }],
         ports: [{ number: 9090, name: http, protocol: HTTP }]`,
      ),
      virtualService(
        "shop/www",
        "hosts: [www.books.example], http: [{ route: [{ destination: { host: reviews, port: { number: 80 } } }] }]",
      ),
    ),
    calls: [
      {
        ...{ from: shop, to: "192.0.2.1:9090", request: { hostHeader: "www.books.example:9090" } },
        goes: toService("reviews.shop", 80),
      },
      {
        ...{ from: shop, to: "192.0.2.1:9090", request: { hostHeader: "other.books.example:9090" } },
        goes: "outbound|9090||*.books.example",
      },
    ],
  },
  {
    number: 14033,
    says: "a wildcard ServiceEntry is known on each of its ports",
    mesh: serviceEntry(
      "shop/wild",
      `hosts: ["*.foo.bar"], resolution: STATIC, endpoints: [{ address: 192.0.2.9 }],
       addresses: [192.0.2.8],
       ports: [{ number: 80, name: http, protocol: HTTP }, { number: 6565, name: grpc, protocol: GRPC }]`,
    ),
    calls: [80, 6565].map((port) => ({
      ...{ from: shop, to: `192.0.2.8:${port}`, request: { hostHeader: `x.foo.bar:${port}` } },
      goes: `outbound|${port}||*.foo.bar`,
    })),
  },
  {
    number: 36698,
    says: "withoutHeaders takes a request that lacks the header",
    mesh: withoutUser("{ exact: mark }"),
    calls: [
      { from: shop, to: "10.96.0.1:80", request: asUser(), goes: toService("late.shop", 8080) },
      { from: shop, to: "10.96.0.1:80", request: asUser("jane"), goes: toService("late.shop", 8080) },
      { from: shop, to: "10.96.0.1:80", request: asUser("mark"), goes: toService("reviews.shop", 80) },
    ],
  },
  {
    number: 49593,
    says: "withoutHeaders without a value takes requests without the header alone",
    mesh: withoutUser("{}"),
    calls: [
      { from: shop, to: "10.96.0.1:80", request: asUser(), goes: toService("late.shop", 8080) },
      { from: shop, to: "10.96.0.1:80", request: asUser("jane"), goes: toService("reviews.shop", 80) },
    ],
  },
  {
    number: 42602,
    says: "a delegate of the root's namespace is found where VirtualServices are private by default",
    mesh: mesh(
      "apiVersion: meltemi.dev/v1\nkind: MeshConfig\nmetadata: { name: mesh }\n" +
        'spec: { defaultVirtualServiceExportTo: ["."] }\n',
      reviews,
      virtualService(
        "shop/root",
        "hosts: [made.up], http: [{ match: [{ uri: { prefix: / } }], delegate: { name: part } }]",
      ),
      virtualService("shop/part", "http: [{ route: [{ destination: { host: reviews } }] }]"),
    ),
    calls: [
      {
        from: shop,
        to: "192.0.2.1:80",
        request: { hostHeader: "made.up" },
        goes: toService("reviews.shop", 80),
      },
      {
        from: sidecar("b"),
        to: "192.0.2.1:80",
        request: { hostHeader: "made.up" },
        goes: "PassthroughCluster",
      },
    ],
  },
  {
    number: 16883,
    says: "a rule that names a Gateway which isn't there counts for sidecars all the same",
    mesh: mesh(
      reviews,
      onPort8080,
      virtualService(
        "shop/reviews",
        "hosts: [reviews], gateways: [mesh, nowhere], http: [{ route: [{ destination: { host: late } }] }]",
      ),
    ),
    calls: [
      {
        from: shop,
        to: "10.96.0.1:80",
        request: { hostHeader: "reviews" },
        goes: toService("late.shop", 8080),
      },
    ],
  },
  {
    number: 7369,
    says: "a rule for a Gateway alone changes nothing for sidecars",
    mesh: mesh(
      reviews,
      onPort8080,
      virtualService(
        "shop/reviews",
        "hosts: [reviews], gateways: [edge], http: [{ route: [{ destination: { host: late } }] }]",
      ),
    ),
    calls: [
      {
        from: shop,
        to: "10.96.0.1:80",
        request: { hostHeader: "reviews" },
        goes: toService("reviews.shop", 80),
      },
    ],
  },
  {
    number: 51253,
    says: "of two rules for a host each caller has the one that is exported to it",
    mesh: mesh(
      reviews,
      onPort8080,
      virtualService(
        "shop/first",
        "hosts: [made.up], exportTo: [b], http: [{ route: [{ destination: { host: reviews } }] }]",
      ),
      virtualService(
        "shop/second",
        "hosts: [made.up], exportTo: [c], http: [{ route: [{ destination: { host: late } }] }]",
      ),
    ),
    calls: [
      {
        ...{ from: sidecar("b"), to: "192.0.2.1:80", request: { hostHeader: "made.up" } },
        goes: toService("reviews.shop", 80),
      },
      {
        ...{ from: sidecar("c"), to: "192.0.2.1:80", request: { hostHeader: "made.up" } },
        goes: toService("late.shop", 8080),
      },
    ],
  },
];
