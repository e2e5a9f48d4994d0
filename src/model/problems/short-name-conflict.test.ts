import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const cases: Readonly<Record<string, readonly [entry: string, messages: readonly string[]]>> = {
  "of another namespace's Service": [
    entry("aaa", "reviews.shop"),
    [
      '"reviews.shop" is a short name of Service shop/reviews too: HTTP clients in this namespace reach this one by it, all others the Service',
    ],
  ],
  "of its own namespace's Service": [
    entry("shop", "reviews.shop.svc"),
    ['"reviews.shop.svc" is a short name of Service shop/reviews too: all HTTP clients reach this one by it'],
  ],
  "of Services of several namespaces": [
    entry("aaa", "reviews"),
    [
      '"reviews" is a short name of Service next/reviews (and of 1 more) too: HTTP clients in the Service\'s namespace reach the Service by it, all others this one',
    ],
  ],
  "of a headless Service's pods": [
    entry("aaa", "'*.pods.shop'"),
    [
      '"*.pods.shop" is a short name of Service shop/pods too: HTTP clients in this namespace reach this one by it, all others the Service',
    ],
  ],
  "but of a Service without pods of their own names": [entry("aaa", "'*.reviews.shop'"), []],
  "but on another port": [entry("aaa", "reviews.shop", "{ number: 81, name: http, protocol: HTTP }"), []],
  "but for TCP": [entry("aaa", "reviews.shop", "{ number: 80, name: tcp, protocol: TCP }"), []],
  "but of nothing": [entry("aaa", "reviews.example.com"), []],
};

for (const [name, [written, messages]] of Object.entries(cases)) {
  test(`declareProblems() tells of a ServiceEntry whose host is a short name, ${name}`, () => {
    const mesh = meshFixture();
    const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
    const services = [
      service("shop", "reviews"),
      service("next", "reviews"),
      service("shop", "pods", "None"),
    ];
    mesh.put([...services, written].join("---"));
    const found = [...problems.entries()].flatMap(([, ofObject]) => ofObject);
    assert.deepEqual(
      found.map(({ message }) => message),
      messages,
    );
    for (const { code, severity, path } of found)
      assert.deepEqual([code, severity, path], ["MLT2015", "warning", "spec.hosts[0]"]);
  });
}

function entry(namespace: string, host: string, port = "{ number: 80, name: http, protocol: HTTP }"): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: short, namespace: ${namespace} }
spec: { hosts: [${host}], ports: [${port}], resolution: STATIC, endpoints: [{ address: 1.1.1.1 }] }
`;
}

function service(namespace: string, name: string, clusterIP = ""): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { clusterIP: "${clusterIP}", ports: [{ name: http, port: 80 }] }
`;
}
