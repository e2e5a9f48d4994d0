import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const TLS = "{ number: 443, name: tls, protocol: TLS }";

test("declareProblems() names who has an address that a ServiceEntry claims", () => {
  const mesh = meshFixture();
  const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(
    [
      `
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec: { clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, "fd00::1"], ports: [{ name: tcp, port: 7000 }, { name: http, port: 80 }] }
`,
      entry(
        "taker",
        'addresses: [192.0.2.9, "fd00:0::1"], ports: [{ number: 7000, name: tcp, protocol: TCP }]',
      ),
      entry("web", "addresses: [10.96.0.1], ports: [{ number: 80, name: http, protocol: HTTP }]"),
      // TLS names its host.
      entry("old", `addresses: [192.0.2.1], ports: [${TLS}, { number: 7001, name: tcp, protocol: TCP }]`),
      entry("young", `addresses: [192.0.2.1], ports: [${TLS}, { number: 7001, name: tcp, protocol: TCP }]`),
      entry("hidden", `exportTo: ['~'], addresses: [192.0.2.1], ports: [${TLS}]`),
    ].join("---"),
  );
  const found = [...problems.entries()].flatMap(([, ofObject]) => ofObject);
  assert.deepEqual(
    found.map(({ code, object, path, message }) => `${code} ${object} ${path}: ${message}`).sort(),
    [
      "MLT2020 ServiceEntry/shop/taker spec.addresses[1]: Traffic to fd00:0::1:7000 goes to Service shop/db, which the cluster gave it to",
      "MLT2020 ServiceEntry/shop/young spec.addresses[0]: Traffic to 192.0.2.1:7001 goes to ServiceEntry shop/old, which is older",
    ],
  );
});

function entry(name: string, spec: string): string {
  const day = name === "old" ? 1 : 2;
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${day}T00:00:00Z" }
spec: { hosts: [${name}.example], resolution: DNS, ${spec} }
`;
}
