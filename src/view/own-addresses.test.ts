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
const TCP = "{ number: 7000, name: tcp, protocol: TCP }";
const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, creationTimestamp: "${DAY_2}" }
spec: { clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, "fd00::1"], ports: [{ name: tcp, port: 7000 }, { name: http, port: 80 }] }
`;
const OF_WEB = "outbound|7000||web.shop.svc.cluster.local";

describe("an address that several services claim", () => {
  const takers: Readonly<Record<string, string>> = {
    "by an older ServiceEntry": "10.96.0.1",
    "by a range of one": "10.96.0.1/32",
    "as an IPv4 address inside an IPv6 one": '"::ffff:10.96.0.1"',
    "by its second address": '"fd00::1"',
    "by its second address in another spelling": '"FD00:0:0::0001"',
  };
  for (const [how, address] of Object.entries(takers)) {
    for (const families of ["ipv4", "dual"] as const) {
      test(`stays the Kubernetes Service's when claimed ${how}, for ${families} clients`, () => {
        const mesh = viewFixture([WEB, entry("aaa", { addresses: address, createdAt: DAY_1 })].join("---"));
        mesh.connect({ ...sidecar("other", "a"), addresses: addressesOf(families) });
        assert.deepEqual(tcpListeners(mesh, families), { "10.96.0.1_7000": OF_WEB });
      });
    }
  }

  test("stays the Kubernetes Service's on ports of other protocols and on ports that it doesn't have", () => {
    const ports = `{ number: 80, name: tcp, protocol: TCP }, { number: 9000, name: any, protocol: TCP }`;
    const mesh = viewFixture([WEB, entry("aaa", { addresses: "10.96.0.1", ports })].join("---"));
    assert.deepEqual(tcpListeners(mesh), { "10.96.0.1_7000": OF_WEB });
  });

  test("stays the Kubernetes Service's for clients that don't see the Service", () => {
    const hidden = WEB.replace(
      "name: web,",
      'name: web, annotations: { networking.istio.io/exportTo: "." },',
    );
    const mesh = viewFixture([hidden, entry("aaa", { addresses: "10.96.0.1" })].join("---"));
    mesh.connect(sidecar("other", "a"));
    assert.deepEqual(tcpListeners(mesh), {});
  });

  test("stays the Kubernetes Service's for clients that a private ServiceEntry is for", () => {
    const mesh = viewFixture(
      [WEB, entry("aaa", { addresses: "10.96.0.1", exportTo: '["."]', createdAt: DAY_1 })].join("---"),
    );
    mesh.connect(sidecar("aaa", "a"));
    assert.equal(clusterOf(mesh, "10.96.0.1_7000", "aaa"), OF_WEB);
  });

  test("is the older ServiceEntry's, whatever the namespaces are called, and the other's once that is gone", () => {
    const mesh = viewFixture(
      [
        entry("aaa", { addresses: "192.0.2.1", createdAt: DAY_2 }),
        entry("zzz", { addresses: "192.0.2.1", createdAt: DAY_1 }),
      ].join("---"),
    );
    assert.deepEqual(tcpListeners(mesh), { "192.0.2.1_7000": "outbound|7000||zzz.example" });
    mesh.remove({ kind: "ServiceEntry", namespace: "zzz", name: "entry" });
    assert.deepEqual(tcpListeners(mesh), { "192.0.2.1_7000": "outbound|7000||aaa.example" });
  });

  test("is another's on each port that only one of them has", () => {
    const mesh = viewFixture(
      [
        entry("aaa", { addresses: "192.0.2.1", createdAt: DAY_2, ports: TCP.replace("7000", "7001") }),
        entry("zzz", { addresses: "192.0.2.1", createdAt: DAY_1 }),
      ].join("---"),
    );
    assert.deepEqual(tcpListeners(mesh), {
      "192.0.2.1_7000": "outbound|7000||zzz.example",
      "192.0.2.1_7001": "outbound|7001||aaa.example",
    });
  });

  test("is an older private ServiceEntry's for the clients that see it, and for no others", () => {
    const mesh = viewFixture(
      [
        entry("aaa", { addresses: "192.0.2.1", createdAt: DAY_2 }),
        entry("zzz", { addresses: "192.0.2.1", createdAt: DAY_1, exportTo: '["."]' }),
      ].join("---"),
    );
    mesh.connect(sidecar("zzz", "a"), sidecar("shop", "a"));
    assert.equal(clusterOf(mesh, "192.0.2.1_7000", "zzz"), "outbound|7000||zzz.example");
    assert.equal(clusterOf(mesh, "192.0.2.1_7000", "shop"), "outbound|7000||aaa.example");
  });

  test("is one domain's: of the service that has it", () => {
    const ports = "{ number: 80, name: http, protocol: HTTP }";
    const mesh = viewFixture(
      [WEB, entry("aaa", { addresses: '10.96.0.1, "fd00:0::1"', createdAt: DAY_1, ports })].join("---"),
    );
    const addresses = (name: string) => seen(mesh.views.virtualHosts.table, "", name)?.addresses;
    assert.deepEqual(addresses("80 web.shop.svc.cluster.local:80"), ["10.96.0.1", "fd00::1"]);
    assert.deepEqual(addresses("80 aaa.example:80"), []);
  });
});

interface Written {
  readonly addresses: string;
  readonly createdAt?: string;
  readonly exportTo?: string;
  readonly ports?: string;
}

function entry(namespace: string, { addresses, createdAt = DAY_2, exportTo = "[]", ports = TCP }: Written) {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: entry, namespace: ${namespace}, creationTimestamp: "${createdAt}" }
spec: { hosts: [${namespace}.example], addresses: [${addresses}], ports: [${ports}], resolution: DNS, exportTo: ${exportTo} }
`;
}

function addressesOf(families: "ipv4" | "dual"): readonly string[] {
  return families === "dual" ? ["10.244.0.9", "fd00::9"] : ["10.244.0.9"];
}

/** The cluster of each listener of one address. */
function tcpListeners(mesh: ViewFixture, families: "ipv4" | "dual" = "ipv4"): Record<string, string> {
  const layer = families === "dual" ? "@dual" : "";
  const names = layerNames(mesh.views.listeners, layer).filter((name) => !/^(0\.0\.0\.0|::)_/.test(name));
  return Object.fromEntries(names.map((name) => [name, clusterOf(mesh, name, layer) ?? ""]));
}

function clusterOf({ views }: ViewFixture, name: string, scope = ""): string | undefined {
  return seen(views.listeners, scope, name)?.tcp[0]?.destinations[0]?.cluster;
}
