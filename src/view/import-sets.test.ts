import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { objectsOf } from "../../tests/support/mesh-fixture.ts";
import { importSet, layerNames, seen, sidecar, viewFixture } from "../../tests/support/view-fixture.ts";
import { declareResourceTables } from "../fleet/resource-tables.ts";
import { writeObject } from "../model/sources.ts";
import { importSetOf, importsRoutes, importsService } from "./import-sets.ts";

const WEB = "outbound|80||web.shop.svc.cluster.local";

describe("importSetOf()", () => {
  it("has one id for the same hosts, however they are written down", () => {
    const [one, other] = [
      { namespace: "a", host: "*" },
      { namespace: "*", host: "x.example" },
    ];
    assert.equal(importSetOf([one, other]).id, importSetOf([other, one, other]).id);
    assert.notEqual(importSetOf([one]).id, importSetOf([one, other]).id);
    assert.notEqual(importSetOf([]).id, importSetOf([one]).id);
  });
});

describe("importsService()", () => {
  const service = (namespace: string, hostname: string) => ({ namespace, hostname });
  const cases = [
    ["shop/*", service("shop", "web.shop.svc.cluster.local"), true],
    ["shop/*", service("home", "web.home.svc.cluster.local"), false],
    ["*/x.example", service("home", "x.example"), true],
    ["home/*.example", service("home", "x.example"), true],
    ["home/*.example", service("home", "*.x.example"), true],
    ["*/*.example", service("home", "x.example"), true],
    ["*/*", service("home", "x.example"), true],
    // Importing one name of a wildcard would import all others with it.
    ["home/x.example", service("home", "*.example"), false],
  ] as const;
  for (const [imported, asked, wanted] of cases)
    it(`${wanted ? "takes" : "leaves"} ${asked.namespace}/${asked.hostname} by ${imported}`, () => {
      assert.equal(importsService(importSet([imported]), asked), wanted);
    });
});

describe("importsRoutes()", () => {
  const cases = [
    ["shop/x.example", "shop", ["*.example"], true],
    ["shop/*.example", "shop", ["other.com", "x.example"], true],
    ["shop/x.example", "home", ["x.example"], false],
    ["shop/x.example", "shop", ["y.example"], false],
  ] as const;
  for (const [imported, namespace, hosts, wanted] of cases)
    it(`${wanted ? "takes" : "leaves"} ${namespace}'s ${hosts.join(" and ")} by ${imported}`, () => {
      assert.equal(importsRoutes(importSet([imported]), { namespace, hosts }), wanted);
    });
});

describe("a sidecar with an import set", () => {
  it("has the rows of what it imports in a layer of its own, and no other layer of services", () => {
    const mesh = viewFixture(
      `${service("shop", "web")}---${service("home", "api")}---${service("home", "db")}`,
    );
    mesh.connect(sidecar("shop", "web"));
    mesh.restrict("shop/web", ["home/api.home.svc.cluster.local"]);
    const scope = mesh.views.scopes.ofProxy.get("shop/web")?.id ?? "";
    assert.deepEqual(layerNames(mesh.views.clusters, scope), ["outbound|80||api.home.svc.cluster.local"]);
    assert.deepEqual(layerNames(mesh.views.virtualHosts.table, scope), ["80 api.home.svc.cluster.local:80"]);
    const { layers } = mesh.views.profiles.get("shop/web") ?? {};
    assert.deepEqual(layers?.endpoint, [scope]);
    assert.deepEqual(layers?.route.at(-1), scope);
  });

  it("doesn't import what isn't exported to it", () => {
    const hidden = service("home", "api", { "networking.istio.io/exportTo": "." });
    const mesh = viewFixture(hidden);
    mesh.connect(sidecar("shop", "web"), sidecar("home", "web"));
    for (const key of ["shop/web", "home/web"]) mesh.restrict(key, ["home/*"]);
    const clusters = (key: string) =>
      layerNames(mesh.views.clusters, mesh.views.scopes.ofProxy.get(key)?.id ?? "");
    assert.deepEqual(clusters("shop/web"), []);
    assert.deepEqual(clusters("home/web"), ["outbound|80||api.home.svc.cluster.local"]);
  });

  it("sends to the destinations of VirtualServices that it follows, and calls none of them by its host", () => {
    const mesh = viewFixture(
      `${service("shop", "web")}---${service("home", "api")}---${service("home", "db")}---${route("home", "api.home.svc.cluster.local", "web.shop.svc.cluster.local")}`,
    );
    mesh.connect(sidecar("shop", "client"));
    mesh.restrict("shop/client", ["home/api.home.svc.cluster.local"]);
    const scope = mesh.views.scopes.ofProxy.get("shop/client")?.id ?? "";
    assert.deepEqual(layerNames(mesh.views.clusters, scope), [
      "outbound|80||api.home.svc.cluster.local",
      WEB,
    ]);
    assert.deepEqual(layerNames(mesh.views.virtualHosts.table, scope), ["80 api.home.svc.cluster.local:80"]);
    const host = seen(mesh.views.virtualHosts.table, scope, "80 api.home.svc.cluster.local:80");
    assert.deepEqual(
      host?.routes[0]?.destinations.map(({ cluster }) => cluster),
      [WEB],
    );
    mesh.remove({ kind: "VirtualService", namespace: "home", name: "rule" });
    assert.deepEqual(layerNames(mesh.views.clusters, scope), ["outbound|80||api.home.svc.cluster.local"]);
  });

  it("doesn't follow a VirtualService of a namespace from which it imports nothing", () => {
    const mesh = viewFixture(
      `${service("home", "api")}---${service("home", "db")}---${route("other", "api.home.svc.cluster.local", "db.home.svc.cluster.local")}`,
    );
    mesh.connect(sidecar("shop", "client"));
    const destination = () => {
      const scope = mesh.views.scopes.ofProxy.get("shop/client")?.id ?? "";
      return seen(mesh.views.virtualHosts.table, scope, "80 api.home.svc.cluster.local:80")?.routes[0]
        ?.destinations[0]?.cluster;
    };
    assert.equal(destination(), "outbound|80||db.home.svc.cluster.local");
    mesh.restrict("shop/client", ["home/*"]);
    assert.equal(destination(), "outbound|80||api.home.svc.cluster.local");
    mesh.restrict("shop/client", ["*/api.home.svc.cluster.local"]);
    assert.equal(destination(), "outbound|80||db.home.svc.cluster.local");
    mesh.restrict("shop/client", undefined);
    assert.equal(destination(), "outbound|80||db.home.svc.cluster.local");
  });

  it("calls by a host that several objects claim the one that it imports", () => {
    const mesh = viewFixture(`${entry("older", "2026-01-01")}---${entry("newer", "2026-01-02")}`);
    mesh.connect(sidecar("shop", "client"));
    const owner = () => {
      const scope = mesh.views.scopes.ofProxy.get("shop/client")?.id ?? "";
      return seen(mesh.views.clusters, scope, "outbound|80||api.example")?.service.namespace;
    };
    assert.equal(owner(), "older");
    mesh.restrict("shop/client", ["newer/*"]);
    assert.equal(owner(), "newer");
    mesh.restrict("shop/client", ["older/*", "newer/*"]);
    assert.equal(owner(), "older");
  });

  it("hears by DNS of the services that it calls alone", () => {
    const mesh = viewFixture(`${service("shop", "web")}---${service("home", "api")}`);
    mesh.connect({ ...sidecar("shop", "client"), capturesDns: true });
    const hosts = () =>
      mesh.views.nameTables
        .get(mesh.views.scopes.ofProxy.get("shop/client")?.id ?? "")
        ?.map(({ host }) => host);
    assert.deepEqual(hosts(), ["api.home.svc.cluster.local", "web.shop.svc.cluster.local"]);
    mesh.restrict("shop/client", ["home/*"]);
    assert.deepEqual(hosts(), ["api.home.svc.cluster.local"]);
  });

  it("costs rows for what it imports, however many services there are", () => {
    const [few, many] = [rowsForImporter(30), rowsForImporter(300)];
    assert.equal(few.absentCount, 0);
    // Clusters, endpoints, virtual hosts, listeners and names in many tables, but of five services.
    assert.ok(few.changedCount > 50, `${few.changedCount}`);
    assert.deepEqual(many, few);
    // A sidecar that imports everything has rows of its own for almost nothing.
    assert.ok(few.rowsOfOthers < few.rows, JSON.stringify(few));
  });

  it("isn't concerned by services and rules that it doesn't import", () => {
    const mesh = viewFixture();
    declareResourceTables(mesh.graph, mesh.views);
    mesh.put(service("home", "api"));
    mesh.connect({ ...sidecar("shop", "client"), capturesDns: true });
    mesh.restrict("shop/client", ["home/*"]);
    const scope = mesh.views.scopes.ofProxy.get("shop/client")?.id ?? "";
    const changedOf = (yaml: string) => {
      const { changed } = mesh.graph.commit((transaction) => {
        for (const object of objectsOf(yaml)) writeObject(transaction, mesh.sources, object);
      });
      return [...changed.values()].flatMap((keys) => [...keys]).filter((key) => key.includes(scope));
    };
    assert.deepEqual(changedOf(`${service("other", "new")}---${route("other", "new.example", "new")}`), []);
    assert.notEqual(changedOf(service("home", "new")).length, 0);
  });

  it("is no gateway's affair", () => {
    const mesh = viewFixture(service("shop", "web"));
    mesh.connect({ ...sidecar("edge", "edge"), kind: "router" });
    mesh.restrict("edge/edge", []);
    assert.equal(mesh.views.scopes.ofProxy.get("edge/edge")?.id, "edge");
  });
});

/** Of the commit that connects a sidecar which imports five services of many, two of which a rule leads on to another. */
function rowsForImporter(serviceCount: number) {
  const mesh = viewFixture();
  const tables = Object.values(declareResourceTables(mesh.graph, mesh.views));
  const others = Array.from({ length: serviceCount }, (_, at) => service(`team-${at % 10}`, `s${at}`));
  const own = Array.from({ length: 4 }, (_, at) => service("home", `own-${at}`));
  const rule = route("home", "own-0.home.svc.cluster.local", "s0.team-0.svc.cluster.local");
  mesh.put([...others, ...own, rule].join("---"));
  mesh.connect(sidecar("other", "client"));
  mesh.restrict("shop/client", ["home/*", "team-1/s1.team-1.svc.cluster.local"]);
  const { changed } = mesh.graph.commit((transaction) =>
    transaction.set(mesh.proxies, "shop/client", { ...sidecar("shop", "client"), capturesDns: true }),
  );
  const scope = mesh.views.scopes.ofProxy.get("shop/client")?.id ?? "";
  const rows = tables.flatMap((table) => layerNames(table, scope));
  const rowsOfOthers = tables.flatMap((table) => layerNames(table, "other"));
  return {
    changedCount: [...changed.values()].reduce((sum, keys) => sum + keys.size, 0),
    absentCount: rows.filter((name) => name.startsWith("-")).length,
    rows: rows.length,
    rowsOfOthers: rowsOfOthers.length,
  };
}

function service(
  namespace: string,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace}, annotations: ${JSON.stringify(annotations)} }
spec:
  clusterIP: 10.96.${namespace.length}.${name.length}
  selector: { app: ${name} }
  ports: [{ name: http, port: 80 }]
`;
}

function route(namespace: string, host: string, destination: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: rule, namespace: ${namespace} }
spec:
  hosts: [${host}]
  http: [{ route: [{ destination: { host: ${destination} } }] }]
`;
}

function entry(namespace: string, day: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: ${namespace}, creationTimestamp: "${day}T00:00:00Z" }
spec:
  hosts: [api.example]
  ports: [{ name: http, number: 80, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 192.0.2.1 }]
`;
}
