import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const SERVICE = "Service shop/reviews: this VirtualService routes it for clients of other namespaces too";
const MAIN = routes("main", "shop", "a.com", "gateways: [infra/edge]");
const OLDER =
  '"a.com" at Gateway "infra/edge" is a host of VirtualService shop/main of another namespace, which is older: this VirtualService adds paths to it';

const cases: Readonly<Record<string, readonly [documents: string, messages: readonly string[]]>> = {
  "of another namespace's Service": [
    routes("r", "aaa", "reviews.shop.svc.cluster.local"),
    [`"reviews.shop.svc.cluster.local" is a host of ${SERVICE}`],
  ],
  "by its short name": [routes("r", "aaa", "reviews.shop"), [`"reviews.shop" is a host of ${SERVICE}`]],
  "by its cluster IP": [routes("r", "aaa", "10.96.0.1"), [`"10.96.0.1" is a host of ${SERVICE}`]],
  "by a wildcard": [
    routes("r", "aaa", "'*.svc.cluster.local'"),
    [
      '"*.svc.cluster.local" is a host of Service infra/edge and of 1 more services of other namespaces: this VirtualService routes it for clients of other namespaces too',
    ],
  ],
  "but for clients of its own namespace": [
    routes("r", "aaa", "reviews.shop.svc.cluster.local", "exportTo: ['.']"),
    [],
  ],
  "but from the root namespace": [routes("r", "istio-system", "reviews.shop.svc.cluster.local"), []],
  "but of its own": [routes("r", "shop", "reviews"), []],
  "but of nobody": [routes("r", "aaa", "b.com"), []],
  "at a gateway, where another namespace's is older": [
    [MAIN, routes("r", "zzz", "a.com", "gateways: [infra/edge]")].join("---"),
    [OLDER],
  ],
  "but at a gateway that another namespace has, with a host of its own": [
    [MAIN, routes("r", "zzz", "b.com", "gateways: [infra/edge]")].join("---"),
    [],
  ],
  "but at a gateway that takes the host from its own namespace alone": [
    [
      MAIN.replace("infra/edge", "infra/closed"),
      routes("r", "zzz", "a.com", "gateways: [infra/closed]"),
    ].join("---"),
    [],
  ],
  "but at another gateway": [[MAIN, routes("r", "zzz", "a.com", "gateways: [infra/other]")].join("---"), []],
};

for (const [name, [documents, messages]] of Object.entries(cases)) {
  test(`declareProblems() tells of a VirtualService that routes a host ${name}`, () => {
    const mesh = meshFixture();
    const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
    const services = [service("reviews", "shop", "10.96.0.1"), service("edge", "infra", "10.96.0.2")];
    const gateways = [gateway("edge", "'*'"), gateway("closed", "shop/a.com")];
    mesh.put([...services, ...gateways, documents].join("---"));
    const found = [...problems.entries()]
      .flatMap(([, ofObject]) => ofObject)
      .filter(({ code }) => code === "MLT2023");
    assert.deepEqual(
      found.map(({ message }) => message),
      messages,
    );
    for (const { severity, path } of found) assert.deepEqual([severity, path], ["warning", "spec.hosts[0]"]);
  });
}

function routes(name: string, namespace: string, host: string, more = ""): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace} }
spec: { hosts: [${host}], http: [{ directResponse: { status: 204 } }], ${more} }
`;
}

function gateway(name: string, host: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: infra }
spec: { selector: { app: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [${host}] }] }
`;
}

function service(name: string, namespace: string, clusterIP: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { clusterIP: ${clusterIP}, ports: [{ name: http, port: 80 }] }
`;
}
