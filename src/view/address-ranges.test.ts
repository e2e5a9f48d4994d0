import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  layerNames,
  seen,
  sidecar,
  type ViewFixture,
  viewFixture,
} from "../../tests/support/view-fixture.ts";

const TCP = "{ number: 80, name: tcp, protocol: TCP }";
const ANY = "{ number: 80, name: any, protocol: '' }";

describe("an address range of a ServiceEntry", () => {
  test("leaves HTTP of a Service whose cluster IP it holds to the Service, by a listener of its own", () => {
    const mesh = viewFixture(
      [service("web", "10.96.0.1"), service("far", "172.20.0.1"), range("onprem", TCP)].join("---"),
    );
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["0.0.0.0_80", "10.96.0.1_80"]);
    const own = listener(mesh, "10.96.0.1_80");
    assert.deepEqual(own?.http, { routeName: "80", hasGrpcWeb: false });
    assert.deepEqual(chainsOf(mesh, "10.96.0.1_80"), [[[], [], "PassthroughCluster"]]);
    assert.deepEqual(chainsOf(mesh, "0.0.0.0_80"), [
      [[], ["10.0.0.0/8"], "outbound|80||onprem.example"],
      [[], [], "PassthroughCluster"],
    ]);
  });

  test("leaves HTTP to the pods of a headless Service to it", () => {
    const slice = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-a, namespace: shop, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: http, port: 80 }]
endpoints: [{ addresses: [10.244.0.2] }, { addresses: [172.20.0.3] }]
`;
    const mesh = viewFixture([service("db", "None"), slice, range("onprem", TCP)].join("---"));
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["0.0.0.0_80", "10.244.0.2_80"]);
  });

  test("leaves HTTP of a ServiceEntry that writes an address in it to that one", () => {
    const exact = entry("exact", "10.1.2.3", "{ number: 80, name: http, protocol: HTTP }");
    const mesh = viewFixture([exact, range("onprem", TCP)].join("---"));
    assert.deepEqual(listener(mesh, "10.1.2.3_80")?.http, { routeName: "80", hasGrpcWeb: false });
  });

  test("that a VirtualService's tcp rule names leaves HTTP to the Services in it", () => {
    const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: onprem, namespace: shop }
spec:
  hosts: [onprem.example]
  tcp: [{ match: [{ destinationSubnets: [10.96.0.0/16] }], route: [{ destination: { host: other.example } }] }]
`;
    const plain = entry("onprem", undefined, TCP);
    const mesh = viewFixture([service("web", "10.96.0.1"), plain, rules].join("---"));
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["0.0.0.0_80", "10.96.0.1_80"]);
  });

  test("makes no listeners on other ports, for HTTP, or for clients that don't reach it", () => {
    const web = service("web", "10.96.0.1");
    const http = range("onprem", "{ number: 80, name: http, protocol: HTTP }");
    assert.deepEqual(layerNames(viewFixture([web, http].join("---")).views.listeners, ""), ["0.0.0.0_80"]);
    const elsewhere = range("onprem", "{ number: 81, name: tcp, protocol: TCP }");
    assert.deepEqual(layerNames(viewFixture([web, elsewhere].join("---")).views.listeners, ""), [
      "0.0.0.0_80",
      "0.0.0.0_81",
    ]);
    const hidden = range("onprem", TCP).replace("spec: {", 'spec: { exportTo: ["."],');
    const mesh = viewFixture([web, hidden].join("---"));
    mesh.connect(sidecar("shop", "a"), sidecar("other", "b"));
    const seesOwn = (scope: string) => listener(mesh, "10.96.0.1_80", scope) !== undefined;
    assert.deepEqual(["shop", "other"].map(seesOwn), [true, false]);
    mesh.remove({ kind: "ServiceEntry", namespace: "shop", name: "onprem" });
    assert.deepEqual(["shop", "other"].map(seesOwn), [false, false]);
  });

  test("counts beside single addresses of the same entry", () => {
    const mesh = viewFixture(entry("both", "192.0.2.1, 10.0.0.0/8", TCP));
    assert.deepEqual(layerNames(mesh.views.listeners, ""), ["0.0.0.0_80", "192.0.2.1_80"]);
    assert.deepEqual(chainsOf(mesh, "0.0.0.0_80"), [
      [[], ["10.0.0.0/8"], "outbound|80||both.example"],
      [[], [], "PassthroughCluster"],
    ]);
    assert.equal(listener(mesh, "0.0.0.0_80")?.http, undefined);
  });

  test("of unknown protocol takes HTTP by the host's own routes, whatever Host it says", () => {
    const mesh = viewFixture(range("onprem", ANY));
    const [chain] = listener(mesh, "0.0.0.0_80")?.tcp ?? [];
    assert.equal(chain?.httpRouteName, "onprem.example:80");
    const host = seen(mesh.views.virtualHosts.table, "", "onprem.example:80 onprem.example:80");
    assert.equal(host?.routes[0]?.destinations[0]?.cluster, "outbound|80||onprem.example");
  });
});

function listener({ views }: ViewFixture, name: string, scope = "") {
  return seen(views.listeners, scope, name);
}

function chainsOf(mesh: ViewFixture, name: string) {
  return listener(mesh, name)?.tcp.map(({ serverNames, destinationSubnets, destinations }) => [
    serverNames,
    destinationSubnets,
    destinations[0]?.cluster,
  ]);
}

function service(name: string, clusterIP: string, port = "{ name: http, port: 80 }"): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: ${clusterIP}, ports: [${port}] }
`;
}

function range(name: string, port: string): string {
  return entry(name, "10.0.0.0/8", port);
}

function entry(name: string, addresses: string | undefined, port: string): string {
  const written = addresses === undefined ? "" : `addresses: [${addresses}], `;
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec: { hosts: [${name}.example], ${written}ports: [${port}], resolution: NONE }
`;
}
