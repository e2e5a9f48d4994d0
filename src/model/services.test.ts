import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../tests/support/mesh-fixture.ts";
import type { MeshService } from "./service.ts";

describe("services", () => {
  test("of Kubernetes have a full hostname, TCP ports with protocols, and addresses", () => {
    const found = service(`
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, annotations: { networking.istio.io/exportTo: "., other" } }
spec:
  clusterIP: 10.96.0.1
  clusterIPs: [10.96.0.1, "fd00::1"]
  selector: { app: web }
  ports: [{ name: http-web, port: 80, targetPort: web }, { name: x, port: 81 }, { name: dns, port: 53, protocol: UDP }]
`);
    assert.equal(found?.hostname, "web.shop.svc.cluster.local");
    assert.deepEqual(found.addresses, ["10.96.0.1", "fd00::1"]);
    assert.deepEqual(found.visibility, { namespaces: ["other", "shop"] });
    assert.deepEqual(found.ports, [
      { name: "http-web", number: 80, protocol: "HTTP", targetPort: undefined, targetPortName: "web" },
      { name: "x", number: 81, protocol: "UnsupportedProtocol", targetPort: 81 },
    ]);
  });

  test("without a cluster address are headless", () => {
    const found = service(kubernetes("clusterIP: None, ports: [{ port: 80 }]"));
    assert.deepEqual([found?.resolution, found?.addresses], ["headless", []]);
  });

  test("of type ExternalName are none of the mesh's", () => {
    assert.equal(service(kubernetes("type: ExternalName, externalName: a.com")), undefined);
  });

  test("know those of type ExternalName that stand for them, and those that stand for these", () => {
    const alias = (name: string, target: string) =>
      kubernetes(`type: ExternalName, externalName: ${target}`).replace("name: web", `name: ${name}`);
    const mesh = meshFixture();
    mesh.put(
      [
        kubernetes("clusterIP: 10.96.0.1, ports: [{ port: 80 }]"),
        alias("old", "Web.shop.svc.cluster.local."),
        alias("older", "old.shop.svc.cluster.local"),
        alias("round", "round.shop.svc.cluster.local"),
      ].join("---"),
    );
    const aliases = () => mesh.model.services.get("shop/web.shop.svc.cluster.local")?.aliases;
    assert.deepEqual(aliases(), ["old.shop.svc.cluster.local", "older.shop.svc.cluster.local"]);
    mesh.remove({ kind: "Service", namespace: "shop", name: "old" });
    assert.deepEqual(aliases(), []);
  });

  const resolutions: Readonly<Record<string, string>> = {
    "resolution: NONE": "none",
    "resolution: STATIC, endpoints: [{ address: 1.1.1.1 }]": "endpoints",
    "resolution: DNS": "dns",
    "resolution: DNS_ROUND_ROBIN": "dns-round-robin",
  };
  for (const [spec, wanted] of Object.entries(resolutions)) {
    test(`of a ServiceEntry with ${spec} are found by ${wanted}`, () => {
      assert.equal(service(entry(`hosts: [a.com], ${spec}`), "shop/a.com")?.resolution, wanted);
    });
  }

  test("of a ServiceEntry are outside the mesh unless it says otherwise", () => {
    assert.equal(service(entry("hosts: [a.com], resolution: DNS"), "shop/a.com")?.isExternal, true);
    const inside = service(entry("hosts: [a.com], resolution: DNS, location: MESH_INTERNAL"), "shop/a.com");
    assert.equal(inside?.isExternal, false);
  });

  test("of ServiceEntries without addresses get one each by themselves", () => {
    const mesh = meshFixture();
    mesh.put(`${entry("hosts: [a.com, b.com], resolution: DNS")}`);
    const addressOf = (host: string) => mesh.model.services.get(`shop/${host}`)?.automaticAddress;
    const [a, b] = [addressOf("a.com"), addressOf("b.com")];
    assert.match(a ?? "", /^240\.240\./);
    assert.notEqual(a, b);
    mesh.put(entry("hosts: [b.com], resolution: DNS"));
    assert.equal(addressOf("b.com"), b, "the other's end doesn't matter");
    mesh.put(entry("hosts: [b.com], resolution: DNS, addresses: [10.1.2.3]"));
    assert.equal(addressOf("b.com"), undefined);
  });

  test("take the mesh's default of who sees them", () => {
    const settings = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { defaultServiceExportTo: ["."] }
`;
    const found = service(`${kubernetes("clusterIP: 10.96.0.1, ports: [{ port: 80 }]")}\n---\n${settings}`);
    assert.deepEqual(found?.visibility, { namespaces: ["shop"] });
  });

  test("of several ServiceEntries for one host have the ports and endpoints of all", () => {
    const mesh = meshFixture();
    mesh.put(
      [
        dated(
          "aaa",
          2,
          "{ number: 443, name: tls, protocol: TLS }, { number: 80, name: http, protocol: HTTP }",
        ),
        dated(
          "zzz",
          1,
          "{ number: 80, name: http, protocol: HTTP }, { number: 90, name: tcp, protocol: TCP }",
        ),
        dated(
          "other",
          3,
          "{ number: 90, name: http, protocol: HTTP }, { number: 91, name: x, protocol: TCP }",
        ),
        dated("dns", 4, "{ number: 99, name: tcp, protocol: TCP }").replace("STATIC", "DNS"),
      ].join("---"),
    );
    const found = mesh.model.services.get("shop/a.com");
    assert.deepEqual(
      found?.ports.map(({ number, protocol }) => `${number} ${protocol}`),
      ["80 HTTP", "90 TCP", "443 TLS", "91 TCP"],
    );
    assert.equal(found.object, "ServiceEntry/shop/zzz");
    const endpoints = () =>
      mesh.model.endpoints.get("shop/a.com")?.map(({ address, servicePort }) => `${address}:${servicePort}`);
    assert.deepEqual(endpoints(), ["1.1.1.1:80", "1.1.1.1:90", "1.1.1.2:80", "1.1.1.2:443", "1.1.1.3:91"]);
    mesh.remove({ kind: "ServiceEntry", namespace: "shop", name: "zzz" });
    assert.deepEqual(endpoints(), ["1.1.1.2:80", "1.1.1.2:443", "1.1.1.3:90", "1.1.1.3:91"]);
  });

  test("of Kubernetes stand before a ServiceEntry for the same host", () => {
    const found = service(
      `${entry("hosts: [web.shop.svc.cluster.local], resolution: DNS")}\n---\n${kubernetes("clusterIP: 10.96.0.1, ports: [{ port: 80 }]")}`,
    );
    assert.equal(found?.registry, "Kubernetes");
  });
});

function service(yaml: string, key = "shop/web.shop.svc.cluster.local"): MeshService | undefined {
  const mesh = meshFixture();
  mesh.put(yaml);
  return mesh.model.services.get(key);
}

function kubernetes(spec: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { ${spec} }
`;
}

/** For the host a.com, with the endpoint 1.1.1.DAY. */
function dated(name: string, day: number, ports: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${day}T00:00:00Z" }
spec: { hosts: [a.com], resolution: STATIC, endpoints: [{ address: 1.1.1.${day} }], ports: [${ports}] }
`;
}

function entry(spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: entry, namespace: shop }
spec: { ports: [{ number: 80, name: http, protocol: HTTP }], ${spec} }
`;
}
