// Reports about where a gateway's requests and connections go.

import { gateway, gatewayOf, mesh, type Report, service, toService, virtualService } from "./report.ts";

const web = service("shop/web", "clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }]");
const api = service("shop/api", "clusterIP: 10.96.0.2, ports: [{ name: http, port: 80 }]");
const secure = ["one", "two"]
  .map((name, at) => service(`shop/${name}`, `clusterIP: 10.96.1.${at}, ports: [{ name: tls, port: 443 }]`))
  .join("---\n");
const [toWeb, toApi] = [toService("web.shop", 80), toService("api.shop", 80)];

const onPort80 = gatewayOf(
  "shop/edge",
  'servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]',
);

const passthrough = (hosts: string, name = "edge") =>
  gatewayOf(
    `shop/${name}`,
    `servers: [{ port: { number: 443, name: tls, protocol: TLS }, hosts: ${hosts}, tls: { mode: PASSTHROUGH } }]`,
  );
const bySni = (name: string, hosts: string, sniHosts: string, destination: string) =>
  virtualService(
    `shop/${name}`,
    `hosts: ${hosts}, gateways: [edge], tls: [{ match: [{ port: 443, sniHosts: ${sniHosts} }],
       route: [{ destination: { host: ${destination}, port: { number: 443 } } }] }]`,
  );
const tls = (sni: string) => ({ protocol: "tcp", tls: "tls", sni }) as const;

const helloOn = (port: number, hostname: string) =>
  mesh(
    gatewayOf(
      `shop/edge-${port}`,
      `servers: [{ port: { number: ${port}, name: http-${port}, protocol: HTTP }, hosts: [${hostname}] }]`,
    ),
    virtualService(
      `shop/hello-${port}`,
      `hosts: ["*"], gateways: [edge-${port}],
       http: [{ match: [{ uri: { exact: /hello-${port} } }], route: [{ destination: { host: web } }] }]`,
    ),
  );

const byHost = (name: string, fields: string) =>
  virtualService(`shop/${name}`, `hosts: [www.example.com], gateways: [edge], http: [${fields}]`);

export const gatewayRoutes: readonly Report[] = [
  {
    number: 45332,
    says: "a rule for a part of the paths counts beside an older one for all of them",
    mesh: mesh(
      web,
      api,
      onPort80,
      byHost("a-all", "{ match: [{ uri: { prefix: / } }], route: [{ destination: { host: web } }] }"),
      byHost("b-part", "{ match: [{ uri: { prefix: /api } }], route: [{ destination: { host: api } }] }"),
    ),
    calls: [
      {
        ...{ from: gateway, to: "10.0.0.1:80", request: { hostHeader: "www.example.com", path: "/api/x" } },
        goes: toApi,
      },
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "www.example.com" }, goes: toWeb },
    ],
  },
  {
    number: 10313,
    says: "a rule counts on the ports and hosts of its own Gateway alone",
    mesh: mesh(web, helloOn(80, "one.example"), helloOn(81, "two.example"), helloOn(82, "three.example")),
    calls: [
      ...[80, 81, 82].map((port, at) => ({
        ...{ from: gateway, to: `10.0.0.1:${port}` },
        request: { hostHeader: `${["one", "two", "three"][at]}.example`, path: `/hello-${port}` },
        goes: toWeb,
      })),
      {
        ...{ from: gateway, to: "10.0.0.1:80", request: { hostHeader: "one.example", path: "/hello-81" } },
        goes: "nowhere",
      },
      {
        ...{ from: gateway, to: "10.0.0.1:81", request: { hostHeader: "one.example", path: "/hello-81" } },
        goes: "nowhere",
      },
    ],
  },
  {
    number: 15221,
    says: "a Host header with a port is the host",
    mesh: mesh(web, onPort80, byHost("web", "{ route: [{ destination: { host: web } }] }")),
    calls: ["www.example.com:80", "www.example.com:30080", "WWW.example.com"].map((hostHeader) => ({
      ...{ from: gateway, to: "10.0.0.1:80", request: { hostHeader } },
      goes: toWeb,
    })),
  },
  {
    number: 5829,
    says: "a server that redirects to HTTPS does so for its hosts, and not for another server's",
    mesh: mesh(
      web,
      gatewayOf(
        "shop/edge",
        `servers: [
           { port: { number: 80, name: http, protocol: HTTP }, hosts: [www.example.com], tls: { httpsRedirect: true } },
           { port: { number: 80, name: http-2, protocol: HTTP }, hosts: [plain.example.com] }]`,
      ),
      virtualService(
        "shop/web",
        'hosts: ["*.example.com"], gateways: [edge], http: [{ route: [{ destination: { host: web } }] }]',
      ),
    ),
    calls: [
      {
        ...{ from: gateway, to: "10.0.0.1:80", request: { hostHeader: "www.example.com" } },
        goes: "tls required, sending 301",
      },
      { from: gateway, to: "10.0.0.1:80", request: { hostHeader: "plain.example.com" }, goes: toWeb },
    ],
  },
  {
    number: 6876,
    says: "a passthrough server for all hosts tells them apart by the rules' server names",
    mesh: mesh(
      secure,
      passthrough('["*"]'),
      virtualService(
        "shop/both",
        `hosts: ["*"], gateways: [edge], tls: [
           { match: [{ port: 443, sniHosts: [one.example] }], route: [{ destination: { host: one } }] },
           { match: [{ port: 443, sniHosts: [two.example] }], route: [{ destination: { host: two } }] }]`,
      ),
    ),
    calls: [
      { from: gateway, to: "10.0.0.1:443", request: tls("one.example"), goes: toService("one.shop", 443) },
      { from: gateway, to: "10.0.0.1:443", request: tls("two.example"), goes: toService("two.shop", 443) },
      { from: gateway, to: "10.0.0.1:443", request: tls("other.example"), goes: "no filter chains matched" },
    ],
  },
  {
    number: 24424,
    says: "a passthrough server for a host of its own is reached by that name",
    mesh: mesh(secure, passthrough("[one.example]"), bySni("one", "[one.example]", "[one.example]", "one")),
    calls: [
      { from: gateway, to: "10.0.0.1:443", request: tls("one.example"), goes: toService("one.shop", 443) },
    ],
  },
  {
    number: 59229,
    says: "a rule with wider server names than its Gateway's server opens nothing beyond that",
    mesh: mesh(
      secure,
      passthrough('["*.example.com"]'),
      bySni("one", "[abc.example.com]", "[abc.example.com]", "one"),
      bySni("two", '["*.com"]', '["*.com"]', "two"),
    ),
    calls: [
      {
        from: gateway,
        to: "10.0.0.1:443",
        request: tls("abc.example.com"),
        goes: toService("one.shop", 443),
      },
      { from: gateway, to: "10.0.0.1:443", request: tls("x.example.com"), goes: toService("two.shop", 443) },
      { from: gateway, to: "10.0.0.1:443", request: tls("other.com"), goes: "no filter chains matched" },
    ],
  },
  {
    number: 33019,
    says: "TCP servers of several Gateways go each by the rule for its own port",
    mesh: mesh(
      ...["postgres", "mongo"].map((name, at) => {
        const port = [5432, 27017][at];
        return mesh(
          service(`shop/${name}`, `clusterIP: 10.96.2.${at}, ports: [{ name: tcp, port: ${port} }]`),
          gatewayOf(
            `shop/${name}`,
            `servers: [{ port: { number: ${port}, name: tcp-${port}, protocol: TCP }, hosts: [${name}.example] }]`,
          ),
          virtualService(
            `shop/${name}`,
            `hosts: [${name}.example], gateways: [postgres, mongo],
             tcp: [{ match: [{ port: ${port} }], route: [{ destination: { host: ${name} } }] }]`,
          ),
        );
      }),
    ),
    calls: [
      {
        ...{ from: gateway, to: "10.0.0.1:5432", request: { protocol: "tcp" } },
        goes: toService("postgres.shop", 5432),
      },
      {
        ...{ from: gateway, to: "10.0.0.1:27017", request: { protocol: "tcp" } },
        goes: toService("mongo.shop", 27017),
      },
    ],
  },
];
