// Reports about connections of sidecars: services and hosts that share a port or an address, TLS by server name, and what
// the mesh doesn't know.

import { mesh, type Report, service, serviceEntry, sidecar, toService, virtualService } from "./report.ts";

const shop = sidecar("shop");
const tcp = { protocol: "tcp" } as const;
const tls = (sni: string, alpn = "") => ({ protocol: "tcp", tls: "tls", sni, alpn }) as const;
const web = service("shop/web", "clusterIP: 10.96.0.1, ports: [{ name: http, port: 8080 }]");

const headless = (name: string, portName: string) =>
  mesh(
    service(
      `shop/${name}`,
      `clusterIP: None, selector: { app: ${name} }, ports: [{ name: ${portName}, port: 8080 }]`,
    ),
    `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: ${portName}, port: 8080 }]
endpoints: [{ addresses: [10.244.1.1], conditions: { ready: true } }]
`,
  );

const secureHost = (name: string, hosts: string, more = "") =>
  serviceEntry(
    `shop/${name}`,
    `hosts: ${hosts}, location: MESH_EXTERNAL, ${more}
     ports: [{ number: 443, name: https, protocol: HTTPS }]`,
  );

export const portsAndAddresses: readonly Report[] = [
  {
    number: 22367,
    says: "what isn't HTTP passes on the port of an HTTP service to an address that nobody has",
    mesh: web,
    calls: [
      { from: shop, to: "192.0.2.1:8080", request: tcp, goes: "PassthroughCluster" },
      { from: shop, to: "192.0.2.1:8080", request: tls("x.example"), goes: "PassthroughCluster" },
    ],
  },
  {
    number: 26079,
    says: "TLS that offers HTTP isn't taken for plain HTTP",
    mesh: web,
    calls: [
      { from: shop, to: "192.0.2.1:8080", request: tls("x.example", "http/1.1"), goes: "PassthroughCluster" },
      { from: shop, to: "192.0.2.1:8080", request: tls("x.example", "h2"), goes: "PassthroughCluster" },
    ],
  },
  {
    number: 16233,
    says: "a headless TCP service takes nothing from an HTTP service on its port",
    mesh: mesh(web, headless("db", "tcp")),
    calls: [
      {
        from: shop,
        to: "10.96.0.1:8080",
        request: { hostHeader: "web:8080" },
        goes: toService("web.shop", 8080),
      },
      { from: shop, to: "10.244.1.1:8080", request: tcp, goes: toService("db.shop", 8080) },
    ],
  },
  {
    number: 36725,
    says: "a headless HTTP service is known by its name at its pods' addresses",
    mesh: mesh(web, headless("tunnel", "http")),
    calls: [
      {
        ...{ from: shop, to: "10.244.1.1:8080", request: { hostHeader: "tunnel:8080" } },
        goes: toService("tunnel.shop", 8080),
      },
    ],
  },
  {
    number: 32747,
    says: "a headless service whose protocol nobody told takes nothing from an HTTP service on its port",
    mesh: mesh(web, headless("odd", "oddport")),
    calls: [
      {
        from: shop,
        to: "10.96.0.1:8080",
        request: { hostHeader: "web:8080" },
        goes: toService("web.shop", 8080),
      },
      { from: shop, to: "10.244.1.1:8080", request: tcp, goes: toService("odd.shop", 8080) },
      {
        ...{ from: shop, to: "10.244.1.1:8080", request: { hostHeader: "odd:8080" } },
        goes: toService("odd.shop", 8080),
      },
    ],
  },
  {
    number: 20081,
    says: "appProtocol comes before the port's name",
    mesh: mesh(
      web,
      service("shop/db", "clusterIP: 10.96.0.3, ports: [{ name: tcp-db, appProtocol: http, port: 8080 }]"),
      virtualService(
        "shop/db",
        `hosts: [db], http: [{ match: [{ uri: { prefix: /web } }], route: [{ destination: { host: web } }] }]`,
      ),
    ),
    calls: [
      {
        ...{ from: shop, to: "10.96.0.3:8080", request: { hostHeader: "db:8080", path: "/web" } },
        goes: toService("web.shop", 8080),
      },
    ],
  },
  {
    number: 19887,
    says: "a TCP rule with the port of its host leads to another service's port",
    mesh: mesh(
      service(
        "shop/server",
        "clusterIP: 10.96.0.4, ports: [{ name: tcp, port: 12345 }, { name: tcp-2, port: 12346 }]",
      ),
      service("shop/nginx", "clusterIP: 10.96.0.5, ports: [{ name: tcp, port: 80 }]"),
      virtualService(
        "shop/server",
        `hosts: [server], tcp: [{ match: [{ port: 12345 }],
           route: [{ destination: { host: nginx, port: { number: 80 } } }] }]`,
      ),
    ),
    calls: [
      { from: shop, to: "10.96.0.4:12345", request: tcp, goes: toService("nginx.shop", 80) },
      { from: shop, to: "10.96.0.4:12346", request: tcp, goes: toService("server.shop", 12346) },
    ],
  },
  {
    number: 22767,
    says: "a TCP rule for a host counts at that host's address alone",
    mesh: mesh(
      ...["one", "two"].map((name, at) =>
        serviceEntry(
          `shop/${name}`,
          `hosts: [${name}.example], addresses: [192.0.2.${at + 1}], resolution: STATIC,
           endpoints: [{ address: 198.51.100.${at + 1} }], ports: [{ number: 5432, name: tcp, protocol: TCP }]`,
        ),
      ),
      virtualService(
        "shop/one",
        "hosts: [one.example], tcp: [{ match: [{ port: 5432 }], route: [{ destination: { host: two.example } }] }]",
      ),
    ),
    calls: [
      { from: shop, to: "192.0.2.1:5432", request: tcp, goes: "outbound|5432||two.example" },
      { from: shop, to: "192.0.2.2:5432", request: tcp, goes: "outbound|5432||two.example" },
      { from: shop, to: "192.0.2.3:5432", request: tcp, goes: "PassthroughCluster" },
    ],
  },
  {
    number: 12882,
    says: "hosts that share port 443 are told apart by their server names",
    mesh: mesh(
      secureHost("one", "[one.example]", "resolution: DNS,"),
      secureHost("two", "[two.example, three.example]", "resolution: DNS,"),
    ),
    calls: ["one", "two", "three"].map((name) => ({
      ...{ from: shop, to: "192.0.2.1:443", request: tls(`${name}.example`) },
      goes: `outbound|443||${name}.example`,
    })),
  },
  {
    number: 9447,
    says: "of two wildcards the longer one has a name that both cover",
    mesh: mesh(
      ...["*.google.com", "*.com"].map((wildcard, at) =>
        mesh(
          secureHost(`wild-${at}`, `["${wildcard}"]`, "resolution: NONE,"),
          virtualService(
            `shop/wild-${at}`,
            `hosts: ["${wildcard}"], tls: [{ match: [{ port: 443, sniHosts: ["${wildcard}"] }],
               route: [{ destination: { host: "${wildcard}", port: { number: 443 } } }] }]`,
          ),
        ),
      ),
    ),
    calls: [
      {
        from: shop,
        to: "192.0.2.1:443",
        request: tls("maps.google.com"),
        goes: "outbound|443||*.google.com",
      },
      { from: shop, to: "192.0.2.1:443", request: tls("other.com"), goes: "outbound|443||*.com" },
      { from: shop, to: "192.0.2.1:443", request: tls("other.org"), goes: "PassthroughCluster" },
    ],
  },
  {
    number: 30771,
    says: "hosts that share an address are told apart by server name and Host header",
    mesh: serviceEntry(
      "shop/both",
      `hosts: [one.example, two.example], addresses: [169.254.169.254], resolution: DNS,
       ports: [{ number: 443, name: https, protocol: HTTPS }, { number: 80, name: http, protocol: HTTP }]`,
    ),
    calls: ["one.example", "two.example"].flatMap((name) => [
      { from: shop, to: "169.254.169.254:443", request: tls(name), goes: `outbound|443||${name}` },
      { from: shop, to: "169.254.169.254:80", request: { hostHeader: name }, goes: `outbound|80||${name}` },
    ]),
  },
  {
    number: 55776,
    says: "entries for several ports of one host are each there",
    mesh: mesh(
      ...[446, 448, 8470].map((port) =>
        serviceEntry(
          `shop/port-${port}`,
          `hosts: [sle.example], addresses: [192.0.2.7], resolution: DNS,
           ports: [{ number: ${port}, name: tcp-${port}, protocol: TCP }]`,
        ),
      ),
    ),
    calls: [446, 448, 8470].map((port) => ({
      ...{ from: shop, to: `192.0.2.7:${port}`, request: tcp },
      goes: `outbound|${port}||sle.example`,
    })),
  },
  {
    number: 58696,
    says: "an entry for TCP on 443 takes nothing from hosts that are told apart by server name",
    mesh: mesh(
      serviceEntry(
        "shop/plain",
        `hosts: [plain.example], location: MESH_EXTERNAL, resolution: DNS,
         ports: [{ number: 443, name: tcp, protocol: TCP }]`,
      ),
      secureHost("one", "[one.example]", "resolution: DNS,"),
    ),
    calls: [
      { from: shop, to: "192.0.2.1:443", request: tls("one.example"), goes: "outbound|443||one.example" },
    ],
  },
];
