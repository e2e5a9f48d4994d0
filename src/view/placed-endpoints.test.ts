import assert from "node:assert/strict";
import { test } from "node:test";
import { layerNames, sidecar, viewFixture } from "../../tests/support/view-fixture.ts";

const CLUSTER = "outbound|80||web.shop.svc.cluster.local";

const WEB = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints:
- {addresses: [10.0.0.1], nodeName: one, targetRef: {kind: Pod, name: web-1, namespace: shop}}
- {addresses: [10.0.0.2], nodeName: two, targetRef: {kind: Pod, name: web-2, namespace: shop}}
---
${pod("web-1", "one", "r.z1")}
---
${pod("web-2", "two", "r.z2")}
---
${pod("a", "one", "r.z1")}
---
${pod("b", "three", "r.z1")}
---
${pod("c", "two", "r.z2")}
`;

function pod(name: string, node: string, locality: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {istio-locality: ${locality}}}
spec: {nodeName: ${node}, containers: [{name: app, image: app}]}`;
}

const RULE = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 1}}}
`;

const LOCAL = WEB.replace("selector:", "internalTrafficPolicy: Local, selector:");

function connected(yaml: string) {
  const mesh = viewFixture(yaml);
  mesh.connect(sidecar("shop", "a"), sidecar("shop", "b"), sidecar("shop", "c"));
  const layers = () =>
    [...mesh.views.endpoints.entries()]
      .map(([key]) => key.slice(0, key.indexOf("|")))
      .filter((layer) => layer !== "")
      .sort();
  const placesOf = (name: string) => {
    const places = mesh.views.places.ofProxy.get(`shop/${name}`);
    return [places?.wide.id, places?.node.id];
  };
  return { mesh, layers, placesOf };
}

test("placed endpoints are none, and places are one, where no place counts", () => {
  const { layers, placesOf } = connected(WEB);
  assert.deepEqual(layers(), []);
  assert.deepEqual(
    [placesOf("a"), placesOf("c")],
    [
      ["", ""],
      ["", ""],
    ],
  );
});

test("placed endpoints are one set for each locality, not for each proxy", () => {
  const { mesh, layers, placesOf } = connected(`${WEB}---${RULE}`);
  assert.equal(layers().length, 2);
  assert.deepEqual(placesOf("a"), placesOf("b"));
  assert.notDeepEqual(placesOf("a"), placesOf("c"));
  const layer = `^${placesOf("c")[0]}`;
  assert.deepEqual(layerNames(mesh.views.endpoints, layer), [CLUSTER]);
  const row = mesh.views.endpoints.get(`${layer}|${CLUSTER}`);
  const endpoints = row?.kind === "present" ? row.inputs.endpoints : [];
  assert.deepEqual(
    endpoints.map(({ address, priority }) => [address, priority]),
    [
      ["10.0.0.1", 1],
      ["10.0.0.2", undefined],
    ],
  );
});

test("placed endpoints are one set for each node where a service is local to it", () => {
  const { mesh, placesOf } = connected(LOCAL);
  const addressesFor = (name: string) => {
    const row = mesh.views.endpoints.get(`^${placesOf(name)[1]}|${CLUSTER}`);
    return row?.kind === "present" ? row.inputs.endpoints.map(({ address }) => address) : undefined;
  };
  assert.deepEqual(["a", "b", "c"].map(addressesFor), [["10.0.0.1"], [], ["10.0.0.2"]]);
});

test("placed endpoints go when the rule goes", () => {
  const { mesh, layers, placesOf } = connected(`${WEB}---${RULE}`);
  mesh.remove({ kind: "DestinationRule", namespace: "shop", name: "web" });
  assert.deepEqual(layers(), []);
  assert.deepEqual(placesOf("a"), ["", ""]);
});

test("placed clusters are those that find endpoints by DNS, one set for each locality", () => {
  const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: shop}
spec:
  hosts: [partner.example]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: near.example, locality: r/z1}, {address: far.example, locality: r/z2}]
`;
  const rule = RULE.replace("host: web", "host: partner.example");
  const { mesh, placesOf } = connected([WEB, entry, rule].join("---"));
  const name = "outbound|80||partner.example";
  const endpointsFor = (proxy: string) => {
    const row = mesh.views.clusters.get(`^${placesOf(proxy)[0]}|${name}`);
    const discovery = row?.kind === "present" ? row.inputs.discovery : undefined;
    assert.ok(discovery?.kind === "dns");
    return discovery.endpoints.endpoints.map(({ address, priority = 0 }) => `${address} ${priority}`);
  };
  assert.deepEqual(endpointsFor("a"), ["far.example 1", "near.example 0"]);
  assert.deepEqual(endpointsFor("c"), ["far.example 0", "near.example 1"]);
});

test("placed endpoints are over the layers alone that clients of the place have", () => {
  const rule = RULE.replace("namespace: shop", "namespace: other").replace(
    "{host: web,",
    '{host: web.shop.svc.cluster.local, exportTo: ["."],',
  );
  const mesh = viewFixture(`${WEB}---${rule}`);
  mesh.connect(sidecar("shop", "c"), { ...sidecar("other", "x"), locality: "r/z1" });
  const layers = [...mesh.views.endpoints.entries()].map(([key]) => key.slice(0, key.indexOf("|")));
  const place = mesh.views.places.ofProxy.get("other/x")?.wide.id;
  assert.deepEqual([...new Set(layers)].sort(), ["", "other", `other^${place}`]);
  mesh.disconnect("other/x");
  assert.equal(mesh.views.places.ofProxy.get("other/x"), undefined);
  assert.deepEqual([...new Set([...mesh.views.endpoints.entries()].map(([key]) => key.split("|")[0]))], [""]);
});
