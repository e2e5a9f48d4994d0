import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { sidecar, viewFixture } from "../../tests/support/view-fixture.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import { asLayerId, layerKey, MESH_LAYER } from "../view/layer-id.ts";
import { declareResourceTables } from "./resource-tables.ts";

const SNIFFED = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: any, port: 81}]}
`;
const DUAL_STACK = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, "fd00::1"], ports: [{name: http, port: 80}]}
`;
const ALIAS = `
apiVersion: v1
kind: Service
metadata: {name: old, namespace: legacy}
spec: {type: ExternalName, externalName: web.shop.svc.cluster.local}
`;

function routeTable(yaml: string, client: ConnectedProxy, name: string) {
  const mesh = viewFixture();
  const { route } = declareResourceTables(mesh.graph, mesh.views);
  mesh.put(yaml);
  mesh.connect(client);
  const scope = mesh.views.scopes.ofProxy.get(`${client.namespace}/${client.name}`)?.id ?? MESH_LAYER;
  const row = route.get(layerKey(scope, name)) ?? route.get(layerKey(MESH_LAYER, name));
  assert.ok(row?.kind === "present");
  const { virtualHosts } = fromBinary(RouteConfigurationSchema, Buffer.concat(row.resource.body));
  return Object.fromEntries(virtualHosts.map((host) => [host.name, host.domains]));
}

const SERVICE_COUNT = 150;
const MANY = Array.from(
  { length: SERVICE_COUNT },
  (_, index) => `
apiVersion: v1
kind: Service
metadata: {name: web-${index}, namespace: shop}
spec: {clusterIP: 10.96.${1 + (index >> 8)}.${index & 255}, ports: [{name: http, port: 80}]}
`,
).join("---");

function timeout(service: string, seconds: number): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${service}, namespace: shop}
spec: {hosts: [${service}], http: [{timeout: ${seconds}s, route: [{destination: {host: ${service}}}]}]}
`;
}

/** The table of port 80 for a client of the namespace, after each of the texts was put. */
function bodiesAfter(...texts: readonly string[]): readonly (readonly Uint8Array[])[] {
  const mesh = viewFixture();
  const { route } = declareResourceTables(mesh.graph, mesh.views);
  return texts.map((text, at) => {
    mesh.put(text);
    if (at === 0) mesh.connect(sidecar("shop", "a"));
    const row = route.get(layerKey(asLayerId("shop"), "80"));
    assert.ok(row?.kind === "present");
    return row.resource.body;
  });
}

describe("route tables", () => {
  test("of a port keep what is encoded of virtual hosts that didn't change", () => {
    const [before = [], after = []] = bodiesAfter(`${MANY}---${timeout("web-7", 1)}`, timeout("web-7", 2));
    const isNew = (piece: Uint8Array) => !before.includes(piece);
    assert.ok(before.length > 4, `the table is in ${before.length} pieces`);
    const newBytes = Buffer.concat(after.filter(isNew)).length;
    assert.ok(newBytes > 0 && newBytes < Buffer.concat(after).length / 2, `${newBytes} bytes are new`);
  });

  test("of a port are the same after many changes as when made at once", () => {
    const changes = [3, 50, 149].map((index) => timeout(`web-${index}`, index));
    const all = [MANY, ...changes].join("---");
    const [atOnce = []] = bodiesAfter(all);
    const last = bodiesAfter(MANY, ...changes).at(-1) ?? [];
    assert.deepEqual(Buffer.concat(last), Buffer.concat(atOnce));
    const { virtualHosts } = fromBinary(RouteConfigurationSchema, Buffer.concat(last));
    assert.equal(virtualHosts.length, SERVICE_COUNT + 1);
  });

  test("of one service take every host: its address has chosen it", () => {
    const name = "web.shop.svc.cluster.local:81";
    assert.deepEqual(routeTable(SNIFFED, sidecar("shop", "a"), name), { [name]: ["*"] });
  });

  test("of a port name a service by the addresses of the client's families", () => {
    const named = (...addresses: string[]) => {
      const client = { ...sidecar("other", "a"), addresses };
      const domains = routeTable(DUAL_STACK, client, "80")["web.shop.svc.cluster.local:80"];
      return domains?.filter((domain) => /\d/.test(domain));
    };
    assert.deepEqual(named("10.244.0.9"), ["10.96.0.1"]);
    assert.deepEqual(named("fd00:1::9"), ["[fd00::1]"]);
    assert.deepEqual(named("10.244.0.9", "fd00:1::9"), ["10.96.0.1", "[fd00::1]"]);
  });

  test("of a port name a service by its aliases too", () => {
    const table = routeTable(`${DUAL_STACK}---${ALIAS}`, sidecar("other", "a"), "80");
    assert.deepEqual(table["web.shop.svc.cluster.local:80"], [
      "web.shop.svc.cluster.local",
      "web.shop.svc.cluster.local.",
      "web.shop",
      "web.shop.svc",
      "old.legacy.svc.cluster.local",
      "old.legacy.svc.cluster.local.",
      "old.legacy",
      "old.legacy.svc",
      "10.96.0.1",
    ]);
  });
});

describe("an ExternalName Service that stands for a Service", () => {
  const named = (...documents: readonly string[]) => {
    const domainsOf = (namespace: string) =>
      routeTable([DUAL_STACK, ALIAS, ...documents].join("\n---\n"), sidecar(namespace, "a"), "80");
    return { legacy: domainsOf("legacy"), other: domainsOf("other") };
  };
  const SHORT = ["old.legacy", "old.legacy.svc"];
  const FULL = ["old.legacy.svc.cluster.local", "old.legacy.svc.cluster.local."];

  test("is called by its name alone in its own namespace", () => {
    const { legacy, other } = named();
    const ofOld = (table: typeof legacy) =>
      table["web.shop.svc.cluster.local:80"]?.filter((domain) => domain.startsWith("old"));
    assert.deepEqual(ofOld(legacy), [...FULL, "old", "old.legacy.svc", "old.legacy"]);
    assert.deepEqual(ofOld(other), [...FULL, ...SHORT]);
  });

  for (const host of ["old.legacy.svc.cluster.local", "'*.legacy.svc.cluster.local'"]) {
    test(`is routed by all its names where a VirtualService has ${host} as its host`, () => {
      const { legacy, other } = named(ofLegacy(host));
      const name = "old.legacy.svc.cluster.local:80";
      assert.deepEqual(legacy[name], [...FULL, "old", "old.legacy.svc", "old.legacy"]);
      assert.deepEqual(other[name], [...FULL, ...SHORT]);
      assert.equal(
        other["web.shop.svc.cluster.local:80"]?.some((domain) => domain.startsWith("old")),
        false,
      );
      assert.deepEqual(
        Object.keys(other).filter((each) => each.startsWith("*")),
        [],
      );
    });
  }

  test("follows the Service's rules where a VirtualService is for both", () => {
    const { other } = named(ofLegacy("'*.svc.cluster.local'"));
    assert.deepEqual(Object.keys(other), ["web.shop.svc.cluster.local:80", "allow_any"]);
  });

  function ofLegacy(host: string): string {
    return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: legacy, namespace: legacy}
spec: {hosts: [${host}], http: [{directResponse: {status: 410}}]}
`;
  }
});

test("a route table names a VirtualService's IPv6 host in brackets, as clients write it", () => {
  const rule = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: six, namespace: shop}
spec: {hosts: ["fd00::7"], http: [{directResponse: {status: 204}}]}
`;
  assert.deepEqual(routeTable(rule, sidecar("shop", "a"), "80")["fd00::7:80"], ["[fd00::7]"]);
});

// Clients call a Kubernetes Service by short names, and a ServiceEntry may have one of them as its host.
describe("a short name of a Service that is a ServiceEntry's host", () => {
  const CLIENTS = ["aaa", "shop", "elsewhere"] as const;
  const SERVICE = "web.shop.svc.cluster.local:80";

  /** Whose virtual host has the domain, for a client in each namespace. */
  function ownersOf(domain: string, ...documents: readonly string[]) {
    const owner = (namespace: string) => {
      const table = routeTable([DUAL_STACK, ...documents].join("\n---\n"), sidecar(namespace, "a"), "80");
      return Object.entries(table).find(([, domains]) => domains.includes(domain))?.[0];
    };
    return Object.fromEntries(CLIENTS.map((namespace) => [namespace, owner(namespace)]));
  }

  for (const host of ["web.shop", "web.shop.svc"]) {
    test(`${host}: another namespace's ServiceEntry has it for its own clients alone`, () => {
      assert.deepEqual(ownersOf(host, shortEntry("aaa", host)), {
        aaa: `${host}:80`,
        shop: SERVICE,
        elsewhere: SERVICE,
      });
    });
  }

  test("a single word is the Service's for clients of its namespace, whoever else claims it", () => {
    const others = { aaa: "web:80", elsewhere: "web:80" };
    assert.deepEqual(ownersOf("web", shortEntry("aaa", "web")), { ...others, shop: SERVICE });
    assert.deepEqual(ownersOf("web", shortEntry("shop", "web")), { ...others, shop: "web:80" });
  });

  test("the ServiceEntry of the Service's own namespace has it for everybody, as in Istio", () => {
    const theirs = "web.shop:80";
    const owners = { aaa: theirs, shop: theirs, elsewhere: theirs };
    assert.deepEqual(ownersOf("web.shop", shortEntry("shop", "web.shop")), owners);
  });

  test("a wildcard that stands for pods of a headless Service stays with the Service", () => {
    const headless = DUAL_STACK.replace(/clusterIP: .*?\], /, "clusterIP: None, ");
    const wild = shortEntry("aaa", "*.web.shop");
    assert.deepEqual(ownersOf("*.web.shop", headless, wild), {
      aaa: "*.web.shop:80",
      shop: SERVICE,
      elsewhere: SERVICE,
    });
  });

  test("a VirtualService that has it as its host routes it, as it may route the Service's full host", () => {
    const rule = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: aaa}
spec: {hosts: [web.shop], http: [{directResponse: {status: 204}}]}
`;
    const theirs = "web.shop:80";
    assert.deepEqual(ownersOf("web.shop", rule), { aaa: theirs, shop: theirs, elsewhere: theirs });
  });
});

function shortEntry(namespace: string, host: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: short, namespace: ${namespace}}
spec: {hosts: ["${host}"], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, endpoints: [{address: 192.0.2.1}]}
`;
}
