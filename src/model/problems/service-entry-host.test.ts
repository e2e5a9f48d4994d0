import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

test("declareProblems() tells what a ServiceEntry says of a host to no effect, since an older one says otherwise", () => {
  const mesh = meshFixture();
  const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(
    [
      entry("a", "{ number: 80, name: http, protocol: HTTP }"),
      entry("b", "{ number: 80, name: http, protocol: HTTP }, { number: 443, name: tls, protocol: TLS }"),
      entry("c", "{ number: 443, name: tcp, protocol: TCP }", "resolution: STATIC, location: MESH_INTERNAL"),
      entry("d", "{ number: 90, name: tcp, protocol: TCP }", "resolution: DNS"),
    ].join("---"),
  );
  const found = [...problems.entries()].flatMap(([, ofObject]) => ofObject);
  assert.deepEqual(
    found.map(({ code, message }) => `${code} ${message}`),
    [
      'MLT2015 spec.location has no effect: for "a.com" that of ServiceEntry shop/a, which is older, counts',
      'MLT2015 Port 443 of "a.com" is "tls" (TLS) in an older ServiceEntry: this one\'s is left out',
      'MLT2015 "a.com" is a host of ServiceEntry shop/a, which is older and has another resolution: this one is left out',
    ],
  );
});

function entry(name: string, ports: string, more = "resolution: STATIC"): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec: { hosts: [a.com], endpoints: [{ address: 1.1.1.1 }], ports: [${ports}], ${more} }
`;
}
