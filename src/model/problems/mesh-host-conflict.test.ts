import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

function rule(name: string, exportTo = ""): string {
  const [namespace, own] = name.split("/");
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${own}, namespace: ${namespace} }
spec: { hosts: [api.example], ${exportTo === "" ? "" : `exportTo: [${exportTo}],`} http: [{ redirect: { uri: /x } }] }
`;
}

const cases: Readonly<Record<string, readonly [documents: readonly string[], messages: readonly string[]]>> =
  {
    "one for all and a namespace's own": [[rule("a/all"), rule("b/own", '"."')], []],
    "one for all and one that is exported to a namespace by name": [
      [rule("a/all"), rule("b/named", "c")],
      [],
    ],
    "two for namespaces that have nothing in common": [[rule("a/own", '"."'), rule("b/own", '"."')], []],
    "two of a namespace's own": [
      [rule("a/first", '"."'), rule("a/second", '"."')],
      [
        'a/first: "api.example" is also routed for sidecars by VirtualService "second": this one is the oldest, and holds',
        'a/second: "api.example" is also routed for sidecars by VirtualService "first": first is older, and holds',
      ],
    ],
    "one that is exported to a namespace which has its own": [
      [rule("a/named", "b"), rule("b/own", '"."')],
      [
        'a/named: "api.example" is also routed for sidecars by VirtualService "b/own": b/own is nearer to clients in "b", and holds there',
      ],
    ],
  };

for (const [name, [documents, messages]] of Object.entries(cases)) {
  test(`declareProblems() tells of VirtualServices for one host: ${name}`, () => {
    const mesh = meshFixture();
    const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
    mesh.put(documents.join("---"));
    const found = [...problems.entries()]
      .flatMap(([, each]) => each)
      .filter(({ code }) => code === "MLT2006")
      .map(({ object, message }) => `${object?.replace("VirtualService/", "")}: ${message}`);
    assert.deepEqual(found.sort(), messages);
  });
}
