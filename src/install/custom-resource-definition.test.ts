import assert from "node:assert/strict";
import { test } from "node:test";
import { kindByName } from "../kinds/all-kinds.ts";
import { fieldDescriptions } from "../kinds/field-descriptions.ts";
import { customResourceDefinition, customResourceDefinitions } from "./custom-resource-definition.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const definitions = customResourceDefinitions();

function definitionOf(kind: string) {
  const found = definitions.find(({ spec }) => spec.names.kind === kind);
  assert.ok(found, `no definition of ${kind}`);
  return found;
}

function schemaOf(kind: string): StructuralSchema {
  const schema = definitionOf(kind).spec.versions[0]?.schema.openAPIV3Schema;
  assert.ok(schema);
  return schema;
}

/** Every schema with its path. */
function walk(schema: StructuralSchema, path: string): (readonly [string, StructuralSchema])[] {
  const children = [
    ...Object.entries(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [["[]", schema.items] as const]),
    ...(schema.additionalProperties === undefined ? [] : [["*", schema.additionalProperties] as const]),
  ];
  return [
    [path, schema],
    ...children.flatMap(([name, child]) => walk(child, name === "[]" ? `${path}[]` : `${path}.${name}`)),
  ];
}

test("customResourceDefinitions() has all of Istio's kinds, each stored in one of its served versions", () => {
  const names = definitions.map(({ spec }) => spec.names.kind).sort();
  assert.deepEqual(names, [
    ...["AuthorizationPolicy", "DestinationRule", "EnvoyFilter", "Gateway", "PeerAuthentication"],
    ...["ProxyConfig", "RequestAuthentication", "ServiceEntry", "Sidecar", "Telemetry"],
    ...["TrafficExtension", "VirtualService", "WasmPlugin", "WorkloadEntry", "WorkloadGroup"],
  ]);
  for (const { metadata, spec } of definitions) {
    assert.equal(metadata.name, `${spec.names.plural}.${spec.group}`);
    assert.equal(spec.versions.filter(({ storage }) => storage).length, 1, metadata.name);
  }
});

test("customResourceDefinition() says what its kind and each field of its spec is for", () => {
  const described = definitions.flatMap(({ spec }) => {
    const { kind } = spec.names;
    assert.ok(schemaOf(kind).description, kind);
    const fields = Object.entries(schemaOf(kind).properties?.spec?.properties ?? {});
    for (const [name, field] of fields) assert.ok(field.description, `${kind}.spec.${name}`);
    return fields;
  });
  assert.ok(described.length > 60, `only ${described.length} fields`);
});

test("fieldDescriptions name fields that exist", () => {
  for (const [kind, fields] of Object.entries(fieldDescriptions)) {
    const paths = new Set(walk(schemaOf(kind), "").map(([path]) => path.slice(1)));
    for (const path of Object.keys(fields)) assert.ok(paths.has(path), `${kind}.${path}`);
  }
});

test("a kind's admission names fields that exist", () => {
  let count = 0;
  for (const { spec } of definitions) {
    const paths = new Set(walk(schemaOf(spec.names.kind), "").map(([path]) => path.slice(1)));
    for (const path of Object.keys(kindByName.get(spec.names.kind)?.admission ?? {})) {
      assert.ok(paths.has(path), `${spec.names.kind}.${path}`);
      count++;
    }
  }
  assert.ok(count > 50, `only ${count}`);
});

test("customResourceDefinition() is structural: one type in each place, and none of what is refused", () => {
  const text = JSON.stringify(definitions);
  for (const word of ["patternProperties", '"additionalProperties":false', 'anyOf":[{"type', '"const"']) {
    assert.ok(!text.includes(word), word);
  }
  for (const { spec } of definitions) {
    for (const [path, schema] of walk(schemaOf(spec.names.kind), spec.names.kind)) {
      const isTyped = schema.type !== undefined || schema["x-kubernetes-int-or-string"] === true;
      assert.ok(isTyped, `${path} has no type`);
    }
  }
});

test("customResourceDefinition() lets no two fields of a oneof be set, by a rule or without one", () => {
  const probe = schemaOf("WorkloadGroup").properties?.spec?.properties?.probe;
  const [rule] = probe?.["x-kubernetes-validations"] ?? [];
  assert.equal(rule?.message, "only one of httpGet, tcpSocket, exec, grpc can be set");
  const uri =
    schemaOf("VirtualService").properties?.spec?.properties?.http?.items?.properties?.match?.items?.properties
      ?.uri;
  assert.deepEqual(uri?.not?.anyOf[0], { required: ["exact", "prefix"] });
  assert.equal(uri?.["x-kubernetes-validations"], undefined);
});

test("customResourceDefinition() says of a field without effect that it has none yet", () => {
  const spec = schemaOf("Telemetry").properties?.spec?.properties;
  assert.match(spec?.metrics?.description ?? "", /has no effect yet: \w+/);
  assert.doesNotMatch(
    schemaOf("VirtualService").properties?.spec?.properties?.http?.description ?? "",
    /no effect/,
  );
});

test("customResourceDefinition() prints the kind's columns, and the age", () => {
  const kind = kindByName.get("EnvoyFilter");
  assert.ok(kind);
  assert.deepEqual(customResourceDefinition(kind).spec.versions[0]?.additionalPrinterColumns, [
    { name: "Priority", type: "integer", jsonPath: ".spec.priority" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ]);
});
