import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture } from "../../tests/support/mesh-fixture.ts";
import type { ServiceEndpoint } from "./endpoints.ts";

const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80, targetPort: web }, { name: admin, port: 81 }] }
`;

describe("endpoints", () => {
  test("have the slice's port of the service port's name, and facts of their pod", () => {
    const slice = webSlice(
      "[{ addresses: [10.244.0.2], zone: east, targetRef: { kind: Pod, name: web-1, namespace: shop } }]",
    );
    assert.deepEqual(endpointsOf("shop/web.shop.svc.cluster.local", WEB, slice, pod("istio")), [
      {
        servicePort: 80,
        address: "10.244.0.2",
        port: 8080,
        labels: { app: "web", "security.istio.io/tlsMode": "istio" },
        identity: "spiffe://cluster.local/ns/shop/sa/shopkeeper",
        isMutualTls: true,
        isHealthy: true,
        isDraining: false,
        weight: 1,
        locality: "/east",
        nodeName: "",
        workload: "web-1",
        namespace: "shop",
        description: "web-1;shop;web;latest;Kubernetes",
      },
    ]);
  });

  test("find their pod by address where the slice names none", () => {
    const [found] = endpointsOf(
      "shop/web.shop.svc.cluster.local",
      WEB,
      webSlice("[{ addresses: [10.244.0.2] }]"),
      pod("istio"),
    );
    assert.equal(found?.workload, "web-1");
  });

  test("take no mTLS where the pod has no sidecar, or a policy turns it off", () => {
    const slice = webSlice("[{ addresses: [10.244.0.2] }]");
    const off = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: off, namespace: shop }
spec: { selector: { matchLabels: { app: web } }, portLevelMtls: { 8080: { mode: DISABLE } } }
`;
    const isMutualTls = (...documents: readonly string[]) =>
      endpointsOf("shop/web.shop.svc.cluster.local", WEB, slice, ...documents)[0]?.isMutualTls;
    assert.equal(isMutualTls(pod("disabled")), false);
    assert.equal(isMutualTls(pod("istio"), off), false);
    assert.equal(isMutualTls(), false);
  });

  test("leave out what isn't ready or is terminating", () => {
    const slice = webSlice(`[
      { addresses: [10.244.0.2], conditions: { ready: false } },
      { addresses: [10.244.0.3], conditions: { ready: false, serving: true, terminating: true } },
      { addresses: [10.244.0.4], conditions: { ready: true } },
    ]`);
    const found = endpointsOf("shop/web.shop.svc.cluster.local", WEB, slice);
    assert.deepEqual(addresses(found), ["10.244.0.4:8080"]);
  });

  test("keep what isn't ready where the service publishes it", () => {
    const publishing = WEB.replace("spec: {", "spec: { publishNotReadyAddresses: true,");
    const slice = webSlice("[{ addresses: [10.244.0.2], conditions: { ready: false } }]");
    const [found] = endpointsOf("shop/web.shop.svc.cluster.local", publishing, slice);
    assert.equal(found?.isHealthy, true);
  });

  test("are sorted whatever order slices list them in", () => {
    const slice = webSlice("[{ addresses: [10.244.0.9] }, { addresses: [10.244.0.2] }]");
    const more = webSlice("[{ addresses: [10.244.0.5] }]", "more");
    const found = endpointsOf("shop/web.shop.svc.cluster.local", WEB, slice, more);
    assert.deepEqual(addresses(found), ["10.244.0.2:8080", "10.244.0.5:8080", "10.244.0.9:8080"]);
  });

  test("of a dual-stack service are one for each pod, in the family that the service names first", () => {
    const six = webSlice('[{ addresses: ["fd00::2"] }]', "web-b").replace("IPv4", "IPv6");
    const slices = [webSlice("[{ addresses: [10.244.0.2] }]"), six];
    const service = (clusterIP: string) => WEB.replace("10.96.0.1", clusterIP);
    const found = (clusterIP: string) =>
      addresses(endpointsOf("shop/web.shop.svc.cluster.local", service(clusterIP), ...slices));
    assert.deepEqual(found("10.96.0.1"), ["10.244.0.2:8080"]);
    assert.deepEqual(found('"fd00::1"'), ["fd00::2:8080"]);
    assert.deepEqual(found("None"), ["10.244.0.2:8080", "fd00::2:8080"]);
  });

  test("are none of a slice of names: an endpoint has an address, and Envoy refuses all of them for one that hasn't", () => {
    const named = webSlice("[{ addresses: [db.example.com] }]", "web-b").replace("IPv4", "FQDN");
    const service = (clusterIP: string) => WEB.replace("10.96.0.1", clusterIP);
    for (const clusterIP of ["10.96.0.1", "None"]) {
      const found = (...slices: readonly string[]) =>
        addresses(endpointsOf("shop/web.shop.svc.cluster.local", service(clusterIP), ...slices));
      assert.deepEqual(found(named), []);
      assert.deepEqual(found(named, webSlice("[{ addresses: [10.244.0.2] }]")), ["10.244.0.2:8080"]);
    }
  });

  test("of a dual-stack service know their pod's other address", () => {
    const target = "targetRef: { kind: Pod, name: web-1, namespace: shop }";
    const four = webSlice(`[{ addresses: [10.244.0.2], ${target} }, { addresses: [10.244.0.3] }]`);
    const six = webSlice(`[{ addresses: ["fd00::2"], ${target} }]`, "web-b").replace("IPv4", "IPv6");
    const found = endpointsOf("shop/web.shop.svc.cluster.local", WEB, four, six);
    assert.deepEqual(
      found.map(({ address, additionalAddress }) => [address, additionalAddress]),
      [
        ["10.244.0.2", "fd00::2"],
        ["10.244.0.3", undefined],
      ],
    );
  });

  test("of a ServiceEntry are those it writes, with its ports and weights", () => {
    const entry = serviceEntry(`
      resolution: STATIC
      endpoints:
        - { address: 1.1.1.1, weight: 3, ports: { http: 8080 }, locality: a/b/c, serviceAccount: robot }
        - { address: 1.1.1.2, labels: { security.istio.io/tlsMode: istio } }`);
    const found = endpointsOf("shop/api.example.com", entry);
    assert.deepEqual(addresses(found), ["1.1.1.1:8080", "1.1.1.2:9090"]);
    assert.deepEqual(
      found.map(({ weight, locality, identity, isMutualTls }) => [weight, locality, identity, isMutualTls]),
      [
        [3, "a/b/c", "spiffe://cluster.local/ns/shop/sa/robot", false],
        [1, "", undefined, true],
      ],
    );
  });

  test("of a ServiceEntry that is looked up are its host", () => {
    assert.deepEqual(addresses(endpointsOf("shop/api.example.com", serviceEntry("resolution: DNS"))), [
      "api.example.com:9090",
    ]);
  });

  test("of a ServiceEntry with a selector are the pods of its namespace", () => {
    const entry = serviceEntry("resolution: STATIC\n      workloadSelector: { labels: { app: web } }");
    const found = endpointsOf("shop/api.example.com", entry, pod("istio"));
    assert.deepEqual(addresses(found), ["10.244.0.2:9090"]);
    assert.equal(found[0]?.isMutualTls, true);
  });

  test("change nothing else of a mesh when one comes", () => {
    const mesh = meshFixture();
    mesh.put([WEB, pod("istio"), webSlice("[{ addresses: [10.244.0.2] }]")].join("\n---\n"));
    const changed: string[] = [];
    mesh.model.services.watch(() => changed.push("services"));
    mesh.model.identities.watch(() => changed.push("identities"));
    mesh.model.endpoints.watch(() => changed.push("endpoints"));
    mesh.put(webSlice("[{ addresses: [10.244.0.2] }, { addresses: [10.244.0.3] }]"));
    assert.deepEqual(changed, ["endpoints"]);
  });
});

test("service identities are those of all endpoints, once each", () => {
  const mesh = meshFixture();
  const slice = webSlice("[{ addresses: [10.244.0.2] }, { addresses: [10.244.0.3] }]");
  mesh.put(
    [WEB, slice, pod("istio"), pod("istio").replaceAll("web-1", "web-2").replace("0.2", "0.3")].join(
      "\n---\n",
    ),
  );
  assert.deepEqual(mesh.model.identities.get("shop/web.shop.svc.cluster.local"), [
    "spiffe://cluster.local/ns/shop/sa/shopkeeper",
  ]);
});

test("service identities are also those that a ServiceEntry names", () => {
  const mesh = meshFixture();
  mesh.put(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: web, namespace: shop }
spec:
  hosts: [web.example.com]
  resolution: STATIC
  subjectAltNames: ["spiffe://other.domain/ns/shop/sa/web"]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [{ address: 10.0.0.1, serviceAccount: web }]
`);
  assert.deepEqual(mesh.model.identities.get("shop/web.example.com"), [
    "spiffe://cluster.local/ns/shop/sa/web",
    "spiffe://other.domain/ns/shop/sa/web",
  ]);
});

function endpointsOf(key: string, ...documents: readonly string[]): readonly ServiceEndpoint[] {
  const mesh = meshFixture();
  mesh.put(documents.join("\n---\n"));
  return mesh.model.endpoints.get(key) ?? [];
}

function addresses(endpoints: readonly ServiceEndpoint[]): readonly string[] {
  return endpoints.map(({ address, port }) => `${address}:${port}`);
}

function webSlice(endpoints: string, name = "web-a"): string {
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints: ${endpoints}
`;
}

function pod(tlsMode: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: web-1, namespace: shop, labels: { app: web, security.istio.io/tlsMode: ${tlsMode} } }
spec: { serviceAccountName: shopkeeper, containers: [{ name: app, image: web }] }
status: { podIP: 10.244.0.2 }
`;
}

function serviceEntry(more: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: shop }
spec:
      hosts: [api.example.com]
      location: MESH_INTERNAL
      ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 9090 }]
      ${more}
`;
}
