import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seen, sidecar, type ViewFixture, viewFixture } from "../../tests/support/view-fixture.ts";

const DAY_1 = "2026-01-01T00:00:00Z";
const DAY_2 = "2026-01-02T00:00:00Z";
const DAY_3 = "2026-01-03T00:00:00Z";
const HOST = "reviews.shop.svc.cluster.local";
const OWN_TCP = `outbound|7000||${HOST}`;
const SERVICE = "10.244.1.1";
const CLIENTS = ["aaa", "shop", "elsewhere"] as const;

describe("a Kubernetes Service whose host a ServiceEntry of another namespace names", () => {
  for (const [age, createdAt] of [["older", DAY_1] as const, ["younger", DAY_3] as const]) {
    test(`keeps its endpoints for all but that namespace's clients, the ServiceEntry being ${age}`, () => {
      const mesh = connected(reviews(), entry("aaa", { createdAt }));
      assert.deepEqual(endpointsSeen(mesh, 9080), {
        aaa: ["192.0.2.10"],
        shop: [SERVICE],
        elsewhere: [SERVICE],
      });
      assert.deepEqual(protocolsSeen(mesh), { aaa: "HTTP2", shop: "HTTP", elsewhere: "HTTP" });
      assert.deepEqual(objectsRouted(mesh), {
        aaa: "ServiceEntry/aaa/entry",
        shop: "Service/shop/reviews",
        elsewhere: "Service/shop/reviews",
      });
    });
  }

  test("keeps its ports, and gets none that only the ServiceEntry has", () => {
    const ports = "{ number: 9999, name: http, protocol: HTTP }";
    const mesh = connected(reviews(), entry("aaa", { createdAt: DAY_1, ports }));
    assert.deepEqual(endpointsSeen(mesh, 9999), {
      aaa: ["192.0.2.10"],
      shop: undefined,
      elsewhere: undefined,
    });
    assert.deepEqual(endpointsSeen(mesh, 9080), { aaa: undefined, shop: [SERVICE], elsewhere: [SERVICE] });
    const listensOn = (scope: string, port: number) =>
      seen(mesh.views.listeners, scope, `0.0.0.0_${port}`) !== undefined;
    assert.deepEqual(
      CLIENTS.map((scope) => [listensOn(scope, 9080), listensOn(scope, 9999)]),
      [
        [false, true],
        [true, false],
        [true, false],
      ],
    );
  });

  test("keeps its listener for TCP, which that namespace's clients don't have", () => {
    const ports = "{ number: 7000, name: tcp, protocol: TCP }";
    const mesh = connected(reviews(), entry("aaa", { createdAt: DAY_1, ports }));
    const clusters = CLIENTS.map(
      (scope) => seen(mesh.views.listeners, scope, "10.96.0.1_7000")?.tcp[0]?.destinations[0]?.cluster,
    );
    assert.deepEqual(clusters, [undefined, OWN_TCP, OWN_TCP]);
    assert.equal(seen(mesh.views.listeners, "shop", "0.0.0.0_7000"), undefined);
    assert.equal(
      seen(mesh.views.listeners, "aaa", "0.0.0.0_7000")?.tcp[0]?.destinations[0]?.cluster,
      OWN_TCP,
    );
  });

  test("keeps it from a ServiceEntry that spells it in another case", () => {
    const mesh = connected(reviews(), entry("aaa", { createdAt: DAY_1, host: HOST.replace("r", "R") }));
    assert.deepEqual(endpointsSeen(mesh, 9080), {
      aaa: ["192.0.2.10"],
      shop: [SERVICE],
      elsewhere: [SERVICE],
    });
  });

  test("is whom rules send requests to, on the port and with the protocol that it has", () => {
    const ports = "{ number: 5000, name: tcp, protocol: TCP }";
    const mesh = connected(
      service("front", DAY_2),
      reviews("{ name: http, port: 9080 }"),
      entry("aaa", { createdAt: DAY_1, ports }),
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: [front]
  http:
    - route: [{ destination: { host: reviews } }]
      mirror: { host: reviews }
`,
    );
    const routes = CLIENTS.map((scope) => {
      const host = seen(mesh.views.virtualHosts.table, scope, "9080 front.shop.svc.cluster.local:9080");
      return host?.routes.map(({ destinations, mirrors }) => [destinations[0]?.cluster, mirrors[0]?.cluster]);
    });
    const to = (port: number) => [[`outbound|${port}||${HOST}`, `outbound|${port}||${HOST}`]];
    assert.deepEqual(routes, [to(5000), to(9080), to(9080)]);
  });

  test("is whom rules for TCP send to, on the port that it has", () => {
    const ports = "{ number: 5000, name: tcp, protocol: TCP }";
    const mesh = connected(
      service("front", DAY_2, "{ name: tcp, port: 7000 }"),
      reviews("{ name: http, port: 9080 }"),
      entry("aaa", { createdAt: DAY_1, ports }),
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec: { hosts: [front], tcp: [{ route: [{ destination: { host: reviews } }] }] }
`,
    );
    const clusters = CLIENTS.map(
      (scope) => seen(mesh.views.listeners, scope, "10.96.0.2_7000")?.tcp[0]?.destinations[0]?.cluster,
    );
    assert.deepEqual(
      clusters,
      [5000, 9080, 9080].map((port) => `outbound|${port}||${HOST}`),
    );
  });

  test("takes its host back when the ServiceEntry goes, and leaves it when it goes itself", () => {
    const mesh = connected(reviews(), entry("aaa", { createdAt: DAY_1 }));
    mesh.remove({ kind: "ServiceEntry", namespace: "aaa", name: "entry" });
    assert.deepEqual(endpointsSeen(mesh, 9080), { aaa: [SERVICE], shop: [SERVICE], elsewhere: [SERVICE] });
    mesh.put(entry("aaa", { createdAt: DAY_3 }));
    assert.deepEqual(endpointsSeen(mesh, 9080), {
      aaa: ["192.0.2.10"],
      shop: [SERVICE],
      elsewhere: [SERVICE],
    });
    mesh.remove({ kind: "Service", namespace: "shop", name: "reviews" });
    const theirs = ["192.0.2.10"];
    assert.deepEqual(endpointsSeen(mesh, 9080), { aaa: theirs, shop: theirs, elsewhere: theirs });
  });

  test("leaves it to the ServiceEntry where clients don't see the Service", () => {
    const hidden = reviews().replace(
      "namespace: shop,",
      'namespace: shop, annotations: { networking.istio.io/exportTo: "." },',
    );
    const mesh = connected(hidden, entry("aaa", { createdAt: DAY_1 }));
    const theirs = ["192.0.2.10"];
    assert.deepEqual(endpointsSeen(mesh, 9080), { aaa: theirs, shop: [SERVICE], elsewhere: theirs });
  });
});

describe("a host of ServiceEntries in several namespaces", () => {
  const host = "api.example.com";
  const young = entry("aaa", { createdAt: DAY_3, host, address: "192.0.2.1" });
  const old = entry("shop", { createdAt: DAY_1, host, address: "192.0.2.2" });

  test("is the own namespace's, and for all others the oldest's", () => {
    const mesh = connected(young, old);
    assert.deepEqual(endpointsSeen(mesh, 9080, host), {
      aaa: ["192.0.2.1"],
      shop: ["192.0.2.2"],
      elsewhere: ["192.0.2.2"],
    });
    mesh.remove({ kind: "ServiceEntry", namespace: "shop", name: "entry" });
    assert.deepEqual(endpointsSeen(mesh, 9080, host), {
      aaa: ["192.0.2.1"],
      shop: ["192.0.2.1"],
      elsewhere: ["192.0.2.1"],
    });
  });

  test("is nobody's for clients that see none of them: a VirtualService for it goes on", () => {
    const mesh = connected(
      young.replace("spec: {", 'spec: { exportTo: ["."],'),
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: api, namespace: shop }
spec: { hosts: [${host}], http: [{ directResponse: { status: 204 } }] }
`,
    );
    const hasName = (port: number) =>
      CLIENTS.map(
        (scope) => seen(mesh.views.virtualHosts.table, scope, `${port} ${host}:${port}`) !== undefined,
      );
    assert.deepEqual(hasName(9080), [true, false, false]);
    assert.deepEqual(hasName(80), [true, true, true], "which no service has");
  });

  test("has its address by the same service, whichever claims the address first", () => {
    const ports = "{ number: 7000, name: tcp, protocol: TCP }";
    const written = { host, ports, addresses: "198.51.100.1" };
    const mesh = connected(
      entry("aaa", { ...written, createdAt: DAY_3 }),
      entry("shop", { ...written, createdAt: DAY_1 }),
    );
    const objects = CLIENTS.map(
      (scope) => seen(mesh.views.listeners, scope, "198.51.100.1_7000")?.tcp[0]?.provenance[0]?.object,
    );
    assert.deepEqual(objects, [
      "ServiceEntry/aaa/entry",
      "ServiceEntry/shop/entry",
      "ServiceEntry/shop/entry",
    ]);
  });
});

/** With a client in each namespace. */
function connected(...documents: readonly string[]): ViewFixture {
  const mesh = viewFixture(documents.join("\n---\n"));
  mesh.connect(...CLIENTS.map((namespace) => sidecar(namespace, "client")));
  return mesh;
}

function bySeer<T>(answer: (scope: string) => T): Record<string, T> {
  return Object.fromEntries(CLIENTS.map((scope) => [scope, answer(scope)]));
}

/** Undefined where a client has no such cluster. */
function endpointsSeen({ views }: ViewFixture, port: number, host = HOST) {
  const name = `outbound|${port}||${host}`;
  return bySeer((scope) => {
    if (seen(views.clusters, scope, name) === undefined) return undefined;
    return seen(views.endpoints, scope, name)?.endpoints.map(({ address }) => address);
  });
}

function protocolsSeen({ views }: ViewFixture) {
  return bySeer((scope) => seen(views.clusters, scope, `outbound|9080||${HOST}`)?.protocol);
}

/** Whose virtual host each client has. */
function objectsRouted({ views }: ViewFixture) {
  return bySeer((scope) => {
    const host = seen(views.virtualHosts.table, scope, `9080 ${HOST}:9080`);
    return host?.routes[0]?.provenance[0]?.object;
  });
}

interface Written {
  readonly createdAt: string;
  readonly host?: string;
  readonly address?: string;
  readonly addresses?: string;
  readonly ports?: string;
}

function entry(namespace: string, written: Written): string {
  const { createdAt, host = HOST, address = "192.0.2.10", addresses = "" } = written;
  const { ports = "{ number: 9080, name: http2, protocol: HTTP2 }" } = written;
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: entry, namespace: ${namespace}, creationTimestamp: "${createdAt}" }
spec: { hosts: [${host}], addresses: [${addresses}], ports: [${ports}], resolution: STATIC, endpoints: [{ address: ${address} }] }
`;
}

const REVIEWS_PORTS = "{ name: http, port: 9080 }, { name: tcp, port: 7000 }";

/** With one endpoint. */
function reviews(ports = REVIEWS_PORTS): string {
  return `${service("reviews", DAY_2, ports)}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, namespace: shop, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
endpoints: [{ addresses: [${SERVICE}], conditions: { ready: true } }]
ports: [{ name: http, port: 9080, protocol: TCP }, { name: tcp, port: 7000, protocol: TCP }]
`;
}

function service(name: string, createdAt: string, ports = "{ name: http, port: 9080 }"): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop, creationTimestamp: "${createdAt}" }
spec: { clusterIP: 10.96.0.${name === "reviews" ? 1 : 2}, ports: [${ports}] }
`;
}
