import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  layerNames,
  seen,
  sidecar,
  type ViewFixture,
  viewFixture,
} from "../../tests/support/view-fixture.ts";

const DAY_1 = "2026-01-01T00:00:00Z";
const DAY_2 = "2026-01-02T00:00:00Z";
const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 8080 }, { name: any, port: 3000 }, { name: tcp, port: 7000 }] }
`;
const HOST = "8080 web.shop.svc.cluster.local:8080";

describe("virtual hosts", () => {
  test("are one for each HTTP port, two for a sniffed one with an address", () => {
    assert.deepEqual(layerNames(viewFixture(WEB).views.virtualHosts.table, ""), [
      "3000 web.shop.svc.cluster.local:3000",
      HOST,
      "web.shop.svc.cluster.local:3000 web.shop.svc.cluster.local:3000",
    ]);
  });

  test("go to the service where no VirtualService speaks", () => {
    const mesh = viewFixture(WEB);
    assert.deepEqual(routes(mesh), [["default", "outbound|8080||web.shop.svc.cluster.local"]]);
    assert.equal(
      seen(mesh.views.virtualHosts.table, "", "3000 web.shop.svc.cluster.local:3000")?.routes[0]
        ?.destinations[0]?.isSniffed,
      true,
    );
  });

  test("follow the VirtualService's rules up to the first that takes everything", () => {
    const mesh = viewFixture(
      `${WEB}---${virtualService("web", { hosts: "[web]", rules: "{ name: a, match: [{ uri: { prefix: /a } }] }, { name: b }, { name: c }" })}`,
    );
    assert.deepEqual(
      routes(mesh).map(([name]) => name),
      ["a", "b"],
    );
  });

  test("take the most specific host's VirtualService, then the oldest's", () => {
    const wide = virtualService("wide", { hosts: "['*.shop.svc.cluster.local']", rules: "{ name: wide }" });
    const old = virtualService("old", { hosts: "[web]", rules: "{ name: old }", createdAt: DAY_1 });
    const young = virtualService("aaa", { hosts: "[web]", rules: "{ name: young }", createdAt: DAY_2 });
    assert.equal(routes(viewFixture([WEB, wide].join("---")))[0]?.[0], "wide");
    assert.equal(routes(viewFixture([WEB, wide, young, old].join("---")))[0]?.[0], "old");
  });

  test("take a VirtualService whose wildcard is for a part of a label", () => {
    const rule = (host: string) => virtualService("odd", { hosts: `['${host}']`, rules: "{ name: odd }" });
    for (const host of ["*eb.shop.svc.cluster.local", "*local"])
      assert.equal(routes(viewFixture([WEB, rule(host)].join("---")))[0]?.[0], "odd", host);
    const other = rule("*-web.shop.svc.cluster.local");
    assert.equal(routes(viewFixture([WEB, other].join("---")))[0]?.[0], "default");
  });

  test("know a ServiceEntry's host in whatever case it is written", () => {
    const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: shop }
spec: { hosts: [API.Example.com], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }
`;
    const rule = virtualService("api", {
      hosts: "[api.example.COM]",
      rules: "{ name: api, route: [{ destination: { host: Api.example.com } }] }",
    });
    const mesh = viewFixture([entry, rule].join("---"));
    assert.deepEqual(layerNames(mesh.views.virtualHosts.table, ""), ["80 api.example.com:80"]);
    const host = seen(mesh.views.virtualHosts.table, "", "80 api.example.com:80");
    assert.equal(host?.routes[0]?.destinations[0]?.cluster, "outbound|80||api.example.com");
    assert.ok(seen(mesh.views.clusters, "", "outbound|80||api.example.com") !== undefined);
  });

  test("differ for clients whose labels a rule looks at, and for no other", () => {
    const mesh = viewFixture(
      `${WEB}---${virtualService("web", { hosts: "[web]", rules: "{ name: a, match: [{ sourceLabels: { app: a } }] }, { name: all }" })}`,
    );
    mesh.connect(
      sidecar("shop", "a", { app: "a", hash: "1" }),
      sidecar("shop", "b", { app: "b", hash: "2" }),
      sidecar("shop", "c", { hash: "3" }),
    );
    assert.deepEqual([...mesh.views.scopes.table.entries()].map(([id]) => id).sort(), ["shop", "shop;app=a"]);
    assert.deepEqual(
      routes(mesh, "shop;app=a").map(([name]) => name),
      ["a"],
    );
    assert.deepEqual(
      routes(mesh, "shop").map(([name]) => name),
      ["all"],
    );
    assert.deepEqual(layerNames(mesh.views.virtualHosts.table, "shop"), []);
  });

  test("of a private VirtualService are for its namespaces alone", () => {
    const hidden = virtualService("web", {
      hosts: "[web.shop.svc.cluster.local]",
      rules: "{ name: mine }",
      namespace: "other",
    }).replace("spec: {", "spec: { exportTo: ['.'],");
    const mesh = viewFixture(`${WEB}---${hidden}`);
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    assert.equal(routes(mesh, "other")[0]?.[0], "mine");
    assert.equal(routes(mesh, "shop")[0]?.[0], "default");
  });

  test("of a host without service stand on port 80 and on the ports of its VirtualService's services", () => {
    const alone = virtualService("a", { hosts: "[a.com]", rules: "{ name: a }" });
    assert.deepEqual(layerNames(viewFixture(alone).views.virtualHosts.table, ""), ["80 a.com:80"]);
    const beside = viewFixture(
      `${WEB}---${virtualService("a", { hosts: "[web, a.com]", rules: "{ name: a }" })}`,
    );
    assert.deepEqual(
      layerNames(beside.views.virtualHosts.table, "").filter((name) => name.includes("a.com")),
      ["3000 a.com:3000", "80 a.com:80", "8080 a.com:8080"],
    );
  });

  test("of a host within a ServiceEntry's wildcard stand on that one's ports too", () => {
    const wild = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: wild, namespace: shop }
spec: { hosts: ["*.a.com"], ports: [{ number: 8080, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }] }
`;
    const rule = virtualService("x", { hosts: "[x.a.com, '*.y.a.com']", rules: "{ name: x }" });
    const mesh = viewFixture([wild, rule].join("---"));
    assert.deepEqual(layerNames(mesh.views.virtualHosts.table, ""), [
      "80 *.y.a.com:80",
      "80 x.a.com:80",
      "8080 *.a.com:8080",
      "8080 *.y.a.com:8080",
      "8080 x.a.com:8080",
    ]);
    mesh.remove({ kind: "ServiceEntry", namespace: "shop", name: "wild" });
    assert.deepEqual(layerNames(mesh.views.virtualHosts.table, ""), ["80 *.y.a.com:80", "80 x.a.com:80"]);
  });

  test("of a host without service are the oldest VirtualService's that has rules for the client", () => {
    const labels = virtualService("a", {
      hosts: "[a.com]",
      rules: "{ name: labelled, match: [{ sourceLabels: { app: a } }] }",
    });
    const plain = virtualService("b", { hosts: "[a.com]", rules: "{ name: plain }", createdAt: DAY_2 });
    const mesh = viewFixture([labels, plain].join("---"));
    mesh.connect(sidecar("shop", "a", { app: "a" }), sidecar("shop", "b"));
    const names = (scope: string) =>
      seen(mesh.views.virtualHosts.table, scope, "80 a.com:80")?.routes.map(({ name }) => name);
    assert.deepEqual([names("shop;app=a"), names("shop")], [["labelled"], ["plain"]]);
  });

  test("of a host without service follow what the client's namespace says of its destinations", () => {
    const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: other }
spec: { host: web.shop.svc.cluster.local, exportTo: ["."], trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } } }
`;
    const mesh = viewFixture(
      [WEB, virtualService("a", { hosts: "[a.com]", rules: "{ name: a }" }), rule].join("---"),
    );
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    const hashes = ["shop", "other"].map((scope) => {
      const host = seen(mesh.views.virtualHosts.table, scope, "80 a.com:80");
      return host?.routes[0]?.destinations[0]?.consistentHash !== undefined;
    });
    assert.deepEqual(hashes, [false, true]);
  });

  test("of a service's host stand on port 80 too, where its VirtualService sends that elsewhere", () => {
    const namesOn80 = (destination: string) => {
      const rules = `{ name: away, match: [{ port: 80 }], route: [{ destination: ${destination} }] }`;
      const mesh = viewFixture(`${WEB}---${virtualService("web", { hosts: "[web]", rules })}`);
      return layerNames(mesh.views.virtualHosts.table, "").filter((name) => name.startsWith("80 "));
    };
    const expected = ["80 web.shop.svc.cluster.local:80"];
    assert.deepEqual(namesOn80("{ host: egress, port: { number: 443 } }"), expected);
    assert.deepEqual(namesOn80("{ host: web }"), [], "the service has no such port");
  });

  test("of a wildcard that covers services are those services' own", () => {
    const wide = virtualService("wide", {
      hosts: "['*.shop.svc.cluster.local', '*.example.org']",
      rules: "{ name: wide }",
    });
    const mesh = viewFixture(`${WEB}---${wide}`);
    assert.deepEqual(routes(mesh), [["wide", "outbound|8080||web.shop.svc.cluster.local"]]);
    const names = layerNames(mesh.views.virtualHosts.table, "");
    assert.deepEqual(
      names.filter((name) => name.includes("*")),
      ["3000 *.example.org:3000", "80 *.example.org:80", "8080 *.example.org:8080"],
    );
  });

  test("resolve destinations: short names, the only port, the called port, weights of 0", () => {
    const api = WEB.replaceAll("web", "api").replace(/ports: .*\]/, "ports: [{ name: http, port: 90 }]");
    const route =
      "{ name: r, route: [{ destination: { host: api }, weight: 50 }, { destination: { host: web, subset: v1 }, weight: 50 }, { destination: { host: gone }, weight: 0 }] }";
    const mesh = viewFixture([WEB, api, virtualService("web", { hosts: "[web]", rules: route })].join("---"));
    const [first] = seen(mesh.views.virtualHosts.table, "", HOST)?.routes ?? [];
    assert.deepEqual(
      first?.destinations.map(({ cluster, weight }) => [cluster, weight]),
      [
        ["outbound|90||api.shop.svc.cluster.local", 50],
        ["outbound|8080|v1|web.shop.svc.cluster.local", 50],
      ],
    );
  });

  test("say that a destination is sniffed where its TLS is the mesh's, as others may refuse the mesh's ALPN", () => {
    const isSniffed = (tls: string) => {
      const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, trafficPolicy: { portLevelSettings: [{ port: { number: 3000 }, ${tls} }] } }
`;
      const { virtualHosts } = viewFixture(`${WEB}---${rule}`).views;
      const host = seen(virtualHosts.table, "", "3000 web.shop.svc.cluster.local:3000");
      return host?.routes[0]?.destinations[0]?.isSniffed;
    };
    assert.equal(isSniffed("loadBalancer: { simple: RANDOM }"), true);
    assert.equal(isSniffed("tls: { mode: ISTIO_MUTUAL }"), true);
    assert.equal(isSniffed("tls: { mode: SIMPLE }"), false);
    assert.equal(isSniffed("tls: { mode: MUTUAL, credentialName: web }"), false);
  });

  test("send what goes to an ExternalName Service to the one that it stands for", () => {
    const alias = `
apiVersion: v1
kind: Service
metadata: { name: old, namespace: legacy }
spec: { type: ExternalName, externalName: web.shop.svc.cluster.local }
`;
    const route =
      "{ name: r, route: [{ destination: { host: old.legacy.svc.cluster.local, port: { number: 8080 }, subset: v1 } }], mirror: { host: old.legacy.svc.cluster.local, port: { number: 8080 } } }";
    const mesh = viewFixture(
      [WEB, alias, virtualService("a", { hosts: "[a.com]", rules: route })].join("---"),
    );
    const [first] = seen(mesh.views.virtualHosts.table, "", "80 a.com:80")?.routes ?? [];
    assert.deepEqual(
      [first?.destinations[0]?.cluster, first?.mirrors[0]?.cluster],
      ["outbound|8080|v1|web.shop.svc.cluster.local", "outbound|8080||web.shop.svc.cluster.local"],
    );
  });

  test("carry the hash that their destination's rule wants", () => {
    const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x-user } } } }
`;
    const mesh = viewFixture(`${WEB}---${rule}`);
    assert.deepEqual(
      seen(mesh.views.virtualHosts.table, "", HOST)?.routes[0]?.destinations[0]?.consistentHash,
      {
        httpHeaderName: "x-user",
      },
    );
  });
});

function routes({ views }: ViewFixture, scope = "") {
  const host = seen(views.virtualHosts.table, scope, HOST);
  return (host?.routes ?? []).map(({ name, destinations }) => [name, destinations[0]?.cluster]);
}

interface Written {
  readonly hosts: string;
  /** Rules without a route of their own go to `web`. */
  readonly rules: string;
  readonly namespace?: string;
  readonly createdAt?: string;
}

function virtualService(
  name: string,
  { hosts, rules, namespace = "shop", createdAt = DAY_1 }: Written,
): string {
  const http = rules.includes("route:")
    ? rules
    : rules.replaceAll(
        / \}(?=$|, \{ name)/g,
        ", route: [{ destination: { host: web.shop.svc.cluster.local } }] }",
      );
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace}, creationTimestamp: "${createdAt}" }
spec: { hosts: ${hosts}, http: [${http}] }
`;
}
