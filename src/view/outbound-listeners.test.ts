import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  layerNames,
  seen,
  sidecar,
  type ViewFixture,
  viewFixture,
} from "../../tests/support/view-fixture.ts";
import type { OutboundListenerInputs } from "./listener-inputs.ts";

describe("outbound listeners", () => {
  test("are one for all HTTP of a port, and one for each address of other protocols", () => {
    const mesh = viewFixture(
      [
        service("web", "10.96.0.1", "{ name: http, port: 80 }, { name: tcp, port: 7000 }"),
        service("api", "10.96.0.2", "{ name: http, port: 80 }, { name: any, port: 3000 }"),
      ].join("---"),
    );
    assert.deepEqual(layerNames(mesh.views.listeners, ""), [
      "0.0.0.0_80",
      "10.96.0.1_7000",
      "10.96.0.2_3000",
    ]);
    assert.deepEqual(listener(mesh, "0.0.0.0_80")?.http, { routeName: "80", hasGrpcWeb: false });
    assert.equal(listener(mesh, "10.96.0.1_7000")?.http, undefined);
    assert.deepEqual(listener(mesh, "10.96.0.2_3000")?.http, {
      routeName: "api.shop.svc.cluster.local:3000",
      hasGrpcWeb: false,
    });
  });

  test("send what isn't HTTP to the service's cluster", () => {
    const mesh = viewFixture(service("web", "10.96.0.1", "{ name: tcp, port: 7000 }"));
    assert.deepEqual(clusters(listener(mesh, "10.96.0.1_7000")), [
      ["outbound|7000||web.shop.svc.cluster.local"],
    ]);
  });

  test("pass on what an HTTP port doesn't understand, or refuse it, as the mesh says", () => {
    const http = service("web", "10.96.0.1", "{ name: http, port: 80 }");
    assert.deepEqual(clusters(listener(viewFixture(http), "0.0.0.0_80")), [["PassthroughCluster"]]);
    const strict = `${http}---
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`;
    assert.deepEqual(clusters(listener(viewFixture(strict), "0.0.0.0_80")), [["BlackHoleCluster"]]);
  });

  test("of a headless service are one for each of its pods", () => {
    const mesh = viewFixture(
      `${service("db", "None", "{ name: tcp, port: 7000 }")}---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-a, namespace: shop, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: tcp, port: 7000 }]
endpoints: [{ addresses: [10.244.0.2] }, { addresses: [10.244.0.3] }]
`,
    );
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["10.244.0.2_7000", "10.244.0.3_7000"]);
  });

  test("tell services without an address apart by TLS name or by range, the older first", () => {
    const mesh = viewFixture(
      [
        entry("tls", "hosts: [a.com], ports: [{ number: 443, name: tls, protocol: TLS }], resolution: DNS"),
        entry(
          "range",
          "hosts: [b.com], addresses: [10.0.0.0/8], ports: [{ number: 443, name: tcp, protocol: TCP }], resolution: NONE",
        ),
        entry("twin", "hosts: [A.com], ports: [{ number: 443, name: tls, protocol: TLS }], resolution: DNS"),
      ].join("---"),
    );
    assert.deepEqual(matches(listener(mesh, "0.0.0.0_443")), [
      [[], ["10.0.0.0/8"], "outbound|443||b.com"],
      [["a.com"], [], "outbound|443||a.com"],
      [[], [], "PassthroughCluster"],
    ]);
  });

  test("take the server names of ExternalName Services that stand for a TLS host", () => {
    const alias = `
apiVersion: v1
kind: Service
metadata: { name: old, namespace: legacy }
spec: { type: ExternalName, externalName: a.com }
`;
    const tls = entry("tls", "hosts: [a.com], ports: [{ number: 443, name: tls, protocol: TLS }]");
    const names = ["a.com", "old.legacy.svc.cluster.local", "old.legacy", "old.legacy.svc"];
    assert.deepEqual(matches(listener(viewFixture([tls, alias].join("---")), "0.0.0.0_443")), [
      [names, [], "outbound|443||a.com"],
      [[], [], "PassthroughCluster"],
    ]);
  });

  test("tell TLS services of one address range apart by name", () => {
    const inRange = (name: string) =>
      entry(
        name,
        `hosts: [${name}.com], addresses: [10.0.0.0/8], ports: [{ number: 443, name: tls, protocol: TLS }]`,
      );
    const mesh = viewFixture([inRange("a"), inRange("b")].join("---"));
    assert.deepEqual(matches(listener(mesh, "0.0.0.0_443")), [
      [["a.com"], ["10.0.0.0/8"], "outbound|443||a.com"],
      [["b.com"], ["10.0.0.0/8"], "outbound|443||b.com"],
      [[], [], "PassthroughCluster"],
    ]);
  });

  test("take no other server name where a VirtualService's tls rules tell them apart", () => {
    const tls = "ports: [{ number: 443, name: tls, protocol: TLS }]";
    const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: shop }
spec:
  hosts: ["*.a.com"]
  tls: [{ match: [{ sniHosts: [x.a.com] }], route: [{ destination: { host: other.com } }] }]
`;
    const range = entry("range", `hosts: ["*.a.com"], addresses: [10.0.0.0/8], ${tls}`);
    assert.deepEqual(matches(listener(viewFixture([range, rules].join("---")), "0.0.0.0_443")), [
      [["x.a.com"], ["10.0.0.0/8"], "outbound|443||other.com"],
      [[], [], "PassthroughCluster"],
    ]);
    const address = entry("address", `hosts: ["*.a.com"], addresses: [10.97.0.1], ${tls}`);
    assert.deepEqual(matches(listener(viewFixture([address, rules].join("---")), "10.97.0.1_443")), [
      [["x.a.com"], [], "outbound|443||other.com"],
      [[], [], "PassthroughCluster"],
    ]);
  });

  test("of an address that several entries share tell TLS apart by server name, and leave the rest to the oldest", () => {
    const shared = (name: string, fields = "") =>
      entry(
        name,
        `hosts: [${name}.com], addresses: [192.0.2.1], ${fields} ports: [{ number: 443, name: tls, protocol: TLS }]`,
      );
    const mesh = viewFixture([shared("a"), shared("b"), shared("c", "exportTo: ['.'],")].join("---"));
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    const of = (name: string) => [[`${name}.com`], [], `outbound|443||${name}.com`];
    const rest = [[], [], "outbound|443||a.com"];
    assert.deepEqual(matches(listener(mesh, "192.0.2.1_443", "other")), [of("a"), of("b"), rest]);
    assert.deepEqual(matches(listener(mesh, "192.0.2.1_443", "shop")), [of("a"), of("b"), of("c"), rest]);
    mesh.remove({ kind: "ServiceEntry", namespace: "shop", name: "b" });
    assert.deepEqual(matches(listener(mesh, "192.0.2.1_443", "other")), [rest]);
  });

  test("of a wildcard follow tls rules for a host within it, and leave all other names to the wildcard's own", () => {
    const wild = entry("wild", 'hosts: ["*.a.com"], ports: [{ number: 443, name: tls, protocol: TLS }]');
    const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: x, namespace: shop }
spec:
  hosts: [x.a.com]
  tls: [{ match: [{ sniHosts: [x.a.com] }], route: [{ destination: { host: other.com } }] }]
`;
    assert.deepEqual(matches(listener(viewFixture([wild, rules].join("---")), "0.0.0.0_443")), [
      [["x.a.com"], [], "outbound|443||other.com"],
      [["*.a.com"], [], "outbound|443||*.a.com"],
      [[], [], "PassthroughCluster"],
    ]);
    const mesh = viewFixture([wild, rules.replace("spec:", "spec:\n  exportTo: ['.']")].join("---"));
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    const serverNames = (scope: string) =>
      listener(mesh, "0.0.0.0_443", scope)?.tcp.flatMap((chain) => chain.serverNames);
    assert.deepEqual(serverNames("shop"), ["x.a.com", "*.a.com"]);
    assert.deepEqual(serverNames("other"), ["*.a.com"]);
  });

  test("follow a VirtualService's tcp rules, by weight and by client", () => {
    const mesh = viewFixture(
      `${service("db", "10.96.0.3", "{ name: tcp, port: 7000 }")}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: db, namespace: shop }
spec:
  hosts: [db]
  tcp:
    - match: [{ sourceLabels: { app: a } }]
      route: [{ destination: { host: one.com } }]
    - route: [{ destination: { host: two.com }, weight: 70 }, { destination: { host: three.com }, weight: 30 }]
`,
    );
    mesh.connect(sidecar("shop", "a", { app: "a" }), sidecar("shop", "b", { app: "b" }));
    assert.deepEqual(clusters(listener(mesh, "10.96.0.3_7000")), [
      ["outbound|7000||two.com", "outbound|7000||three.com"],
    ]);
    assert.deepEqual(clusters(listener(mesh, "10.96.0.3_7000", "shop;app=a")), [["outbound|7000||one.com"]]);
    assert.deepEqual(layerNames(mesh.views.listeners, "shop;app=b"), []);
  });

  test("follow the tcp rules nearest to the client", () => {
    const rule = (namespace: string, to: string, exportTo: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: db, namespace: ${namespace} }
spec:
  hosts: [db.shop.svc.cluster.local]
  exportTo: [${exportTo}]
  tcp: [{ route: [{ destination: { host: ${to} } }] }]
`;
    const mesh = viewFixture(
      [
        service("db", "10.96.0.3", "{ name: tcp, port: 7000 }"),
        rule("a", "for-all.com", "'*'"),
        rule("b", "named.com", "c"),
        rule("c", "own.com", "."),
        rule("d", "also-named.com", "e"),
      ].join("---"),
    );
    mesh.connect(sidecar("c", "one"), sidecar("e", "two"), sidecar("f", "three"));
    const followed = (scope: string) => clusters(listener(mesh, "10.96.0.3_7000", scope));
    assert.deepEqual(followed("c"), [["outbound|7000||own.com"]]);
    assert.deepEqual(followed("e"), [["outbound|7000||also-named.com"]]);
    assert.deepEqual(followed("f"), [["outbound|7000||for-all.com"]]);
    mesh.remove({ kind: "VirtualService", namespace: "c", name: "db" });
    assert.deepEqual(followed("c"), [["outbound|7000||named.com"]]);
  });

  test("stand on the addresses of the client's IP families", () => {
    const mesh = viewFixture(
      `${service("web", "10.96.0.1", "{ name: http, port: 80 }")}---
apiVersion: v1
kind: Service
metadata: { name: redis, namespace: shop }
spec: { clusterIP: 10.96.0.2, clusterIPs: [10.96.0.2, "fd00::2"], ports: [{ name: redis, port: 6379 }] }
`,
    );
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["0.0.0.0_80", "10.96.0.2_6379"]);
    assert.deepEqual(layerNames(mesh.views.listeners, "@dual"), [], "nobody has both");
    mesh.connect(
      { ...sidecar("shop", "six"), addresses: ["fd00:1::9"] },
      { ...sidecar("shop", "both"), addresses: ["10.244.0.9", "fd00:1::10"] },
    );
    assert.deepEqual(layerNames(mesh.views.listeners, "@ipv6"), ["::_80", "fd00::2_6379"]);
    assert.deepEqual(layerNames(mesh.views.listeners, "@dual"), ["0.0.0.0_80", "10.96.0.2_6379"]);
    const addresses = (name: string) => {
      const { address, additionalAddress } = listener(mesh, name, "@dual") ?? {};
      return [address, additionalAddress];
    };
    assert.deepEqual(addresses("0.0.0.0_80"), ["0.0.0.0", "::"]);
    assert.deepEqual(addresses("10.96.0.2_6379"), ["10.96.0.2", "fd00::2"]);
    mesh.disconnect("shop/six", "shop/both");
    assert.deepEqual(layerNames(mesh.views.listeners, "@ipv6"), []);
  });

  test("of a ServiceEntry with two addresses are two, since another entry may have one of them", () => {
    const mesh = viewFixture(
      entry("db", 'hosts: [db], addresses: [10.97.0.1, "fd00::1"], ports: [{ number: 7000, name: tcp }]'),
    );
    mesh.connect({ ...sidecar("shop", "both"), addresses: ["10.244.0.9", "fd00:1::10"] });
    assert.deepEqual(layerNames(mesh.views.listeners, "@dual"), ["10.97.0.1_7000", "fd00::1_7000"]);
  });

  test("of a private service differ from those of the client's own families alone", () => {
    const hidden = service("web", "10.96.0.1", "{ name: http, port: 80 }").replace(
      "namespace: shop",
      'namespace: shop, annotations: { networking.istio.io/exportTo: "." }',
    );
    const mesh = viewFixture(hidden);
    mesh.connect({ ...sidecar("shop", "six"), addresses: ["fd00:1::9"] }, sidecar("shop", "four"));
    assert.deepEqual(layerNames(mesh.views.listeners, "shop;@ipv6"), ["::_80"]);
    assert.deepEqual(layerNames(mesh.views.listeners, "shop"), ["0.0.0.0_80"]);
  });

  test("of a host with an automatic address are on that alone, for clients whose DNS gives it to them", () => {
    const orders =
      "hosts: [orders.example], resolution: DNS, ports: [{ number: 6000, name: tcp, protocol: TCP }]";
    const sniffed =
      "hosts: [any.example], resolution: DNS, ports: [{ number: 7000, name: any, protocol: '' }]";
    const mesh = viewFixture([entry("orders", orders), entry("any", sniffed)].join("---"));
    mesh.connect(sidecar("shop", "a"), { ...sidecar("shop", "b"), capturesDns: true });
    const [ordersByAddress = "", anyByAddress = ""] = ["_6000", "_7000"].map((port) =>
      layerNames(mesh.views.listeners, "").find((name) => name.startsWith("240.240.") && name.endsWith(port)),
    );
    for (const scope of ["shop", "shop;@dns"]) {
      assert.deepEqual(clusters(listener(mesh, ordersByAddress, scope)), [["outbound|6000||orders.example"]]);
      assert.equal(listener(mesh, anyByAddress, scope)?.http?.routeName, "any.example:7000");
    }
    assert.deepEqual(layerNames(mesh.views.listeners, "shop"), []);
    assert.deepEqual(layerNames(mesh.views.listeners, "shop;@dns"), ["-0.0.0.0_6000", "-0.0.0.0_7000"]);
    assert.deepEqual(clusters(listener(mesh, "0.0.0.0_6000", "shop")), [["outbound|6000||orders.example"]]);
  });

  test("are none where the proxy listens itself, whatever address that is written as", () => {
    const mesh = viewFixture(
      [
        service("stray", "10.96.0.1", "{ name: http, port: 15001 }, { name: http-health, port: 15021 }"),
        entry(
          "range",
          "hosts: [a.com], addresses: [192.0.2.0/24], ports: [{ number: 15006, name: tcp, protocol: TCP }]",
        ),
        entry(
          "admin",
          'hosts: [b.com], addresses: [127.0.0.1, "0::1"], ports: [{ number: 15000, name: tcp, protocol: TCP }]',
        ),
        service("own-address", "10.96.0.2", "{ name: tcp, port: 15020 }"),
      ].join("---"),
    );
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["10.96.0.2_15020"]);
    mesh.connect({ ...sidecar("shop", "both"), addresses: ["10.244.0.9", "fd00:1::10"] });
    assert.deepEqual(layerNames(mesh.views.listeners, "@dual"), ["10.96.0.2_15020"]);
  });

  test("are none on the mesh's own capture and status ports, when those aren't the usual ones", () => {
    const mesh = viewFixture(
      `${service("web", "10.96.0.1", "{ name: http, port: 16001 }, { name: http-b, port: 16020 }, { name: http-c, port: 15001 }")}---
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { proxyListenPort: 16001, defaultConfig: { statusPort: 16020 } }
`,
    );
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["0.0.0.0_15001"]);
  });

  test("take an unspecified address for no address: it is the port's listener of all services", () => {
    const mesh = viewFixture(
      [
        service("web", "10.96.0.1", "{ name: http, port: 80 }"),
        entry(
          "any",
          'hosts: [a.com], addresses: [0.0.0.0, "0::0"], ports: [{ number: 80, name: tcp, protocol: TCP }]',
        ),
      ].join("---"),
    );
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["0.0.0.0_80"]);
    assert.equal(listener(mesh, "0.0.0.0_80")?.http?.routeName, "80");
    assert.deepEqual(clusters(listener(mesh, "0.0.0.0_80")), [["outbound|80||a.com"]]);
  });
});

function listener({ views }: ViewFixture, name: string, scope = ""): OutboundListenerInputs | undefined {
  return seen(views.listeners, scope, name);
}

function matches(inputs: OutboundListenerInputs | undefined) {
  return inputs?.tcp.map(({ serverNames, destinationSubnets, destinations }) => [
    serverNames,
    destinationSubnets,
    destinations[0]?.cluster,
  ]);
}

function clusters(inputs: OutboundListenerInputs | undefined): readonly (readonly string[])[] {
  return (inputs?.tcp ?? []).map(({ destinations }) => destinations.map(({ cluster }) => cluster));
}

function service(name: string, clusterIP: string, ports: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: ${clusterIP}, ports: [${ports}] }
`;
}

function entry(name: string, spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec: { ${spec} }
`;
}
