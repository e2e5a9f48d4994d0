import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const tcp = "ports: [{ number: 9092, name: tcp, protocol: TCP }]";
const tls = "ports: [{ number: 9092, name: tls, protocol: TLS }]";

function entry(name: string, fields: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec: { ${fields.includes("hosts:") ? "" : `hosts: [${name}.example], `}${fields} }
`;
}

function sentences(...documents: readonly string[]): readonly string[] {
  const mesh = meshFixture();
  const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(documents.join("---"));
  return [...problems.entries()]
    .flatMap(([, found]) => found)
    .filter(({ code }) => code === "MLT2037")
    .map(({ object, message }) => `${object}: ${message}`);
}

test("declareProblems() names the host that takes a port's bytes from others without an address", () => {
  const older =
    'TCP to port 9092 goes to "a.example" of ServiceEntry shop/a, which is older: without an address nothing tells the two apart';
  assert.deepEqual(sentences(entry("a", `resolution: DNS, ${tcp}`), entry("b", `resolution: DNS, ${tcp}`)), [
    `ServiceEntry/shop/b: ${older}`,
  ]);
});

test("declareProblems() names the host that takes the bytes of an address from others of its entry", () => {
  const both = "hosts: [b.example, a.example], addresses: [192.0.2.1], resolution: DNS";
  assert.deepEqual(sentences(entry("both", `${both}, ${tcp}`)), [
    'ServiceEntry/shop/both: TCP to 192.0.2.1:9092 goes to "a.example" alone: it doesn\'t say for which of 2 hosts it is',
  ]);
});

const distinct: readonly { readonly what: string; readonly documents: readonly string[] }[] = [
  {
    what: "addresses",
    documents: [1, 2].map((at) =>
      entry(`e${at}`, `addresses: [192.0.2.${at}], resolution: STATIC, endpoints: [], ${tcp}`),
    ),
  },
  { what: "TLS server names", documents: ["a", "b"].map((name) => entry(name, `resolution: DNS, ${tls}`)) },
  { what: "the client's own address", documents: ["a", "b"].map((name) => entry(name, tcp)) },
  {
    what: "who may see them",
    documents: ["a", "b"].map((name) =>
      entry(name, `exportTo: ["${name === "a" ? "." : "other"}"], resolution: DNS, ${tcp}`),
    ),
  },
  {
    what: "nothing, where all lead to the same endpoints",
    documents: [
      entry(
        "both",
        `hosts: [a.example, b.example], addresses: [192.0.2.1], resolution: STATIC, endpoints: [{ address: 192.0.2.9 }], ${tcp}`,
      ),
    ],
  },
  {
    what: "addresses that DNS in the pods gives them",
    documents: [
      `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" } } }
`,
      ...["a", "b"].map((name) => entry(name, `resolution: DNS, ${tcp}`)),
    ],
  },
];

for (const { what, documents } of distinct) {
  test(`declareProblems() finds nothing where hosts are told apart by ${what}`, () => {
    assert.deepEqual(sentences(...documents), []);
  });
}
