// Go programs write null for what isn't there: `endpoints: null`, `creationTimestamp: null`. Wherever a kind's schema has a
// field, null in it means the same as leaving it out, for objects from files and from the API server, and no table of the
// mesh throws for either.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { kindByName, kinds } from "../../src/kinds/all-kinds.ts";
import { checkForm } from "../../src/kinds/check-form.ts";
import { isMeshKind, type Kind, type KubernetesObject } from "../../src/kinds/define-kind.ts";
import { meshConfigKind } from "../../src/kinds/mesh-config/mesh-config.ts";
import { parseObject } from "../../src/kinds/parse-object.ts";
import type { Schema } from "../../src/kinds/schema.ts";
import { ingestObject } from "../../src/sources/kubernetes/ingest-object.ts";
import { createInternPool } from "../../src/sources/kubernetes/intern-pool.ts";
import type { RawObject } from "../../src/sources/kubernetes/raw-object.ts";
import { commitObjects, objectsOf } from "../support/mesh-fixture.ts";
import { everyDocument, everything } from "./mesh-resources.ts";

interface Form {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Form>>;
  readonly patternProperties?: Readonly<Record<string, Form>>;
  readonly required?: readonly string[];
  readonly items?: Form;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Form[];
  readonly format?: string;
  readonly minimum?: number;
}

type Value = Record<string, unknown>;
type Path = readonly (string | number)[];

const DEPTH = 5;
const pool = createInternPool();
const HEAD = new Set(["apiVersion", "kind", "metadata.name", "metadata.namespace"]);

describe("null in a field", () => {
  for (const kind of kinds) {
    if (kind.scope === "Pseudo") continue;
    test(`of a ${kind.kind} is the field's absence`, () => {
      const sample = sampleObject(kind);
      // A workload's pod template has the fields of a Pod.
      const paths = fieldsOf(kind.schema as Form, sample).filter(
        ([, field, deeper]) => field !== "template" || deeper === undefined,
      );
      assert.ok(paths.length > 5, String(paths.length));
      for (const path of paths) {
        const [nulled, absent] = [withNull(sample, path), without(sample, path)];
        assert.deepEqual(parsed(nulled), parsed(absent), `from a file, ${path.join(".")}`);
        assert.deepEqual(ingested(nulled), ingested(absent), `from the API server, ${path.join(".")}`);
        assertNoNull(ingested(nulled), kind.schema as Form, path.join("."));
      }
    });
  }

  test("of a slice's endpoints is a slice without any", () => {
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1", namespace: "shop", creationTimestamp: null },
      addressType: "IPv4",
      endpoints: null,
      ports: null,
    };
    assert.deepEqual(parseObject(slice).findings, []);
    assert.deepEqual(parseObject(slice).object?.endpoints, []);
    assert.deepEqual((ingested(slice) as unknown as KubernetesObject).endpoints, []);
  });
});

describe("a mesh of objects", () => {
  const mesh = everything();
  for (const object of objectsOf(everyDocument())) {
    const kind = kindByName.get(object.kind);
    if (kind === undefined) continue;
    const { name, namespace = "" } = object.metadata;
    const isOfMesh = isMeshKind(kind) || kind.scope === "Pseudo";
    test(`takes ${object.kind} ${namespace}/${name} with null in each of its fields`, () => {
      let tried = 0;
      for (const path of fieldsOf(kind.schema as Form, object)) {
        // The API server's objects of Istio's kinds are read as a file's are.
        const readings = isOfMesh ? [parsed] : [parsed, ingested];
        const variants = readings.map((read) => read(withNull(object, path)));
        for (const variant of variants) {
          if (variant === undefined || isDeepStrictEqual(variant, object)) continue;
          // What Istio's kinds leave out is optional to the compiler; its lists and messages are enough.
          if (isOfMesh && typeof valueAt(object, path) !== "object") continue;
          tried++;
          // Throws where any row of any table failed.
          commitObjects(mesh.graph, mesh.sources, [variant]);
        }
      }
      commitObjects(mesh.graph, mesh.sources, [object]);
      assert.ok(tried > 0 || object.kind === "PeerAuthentication");
    });
  }
});

function parsed(value: Value): KubernetesObject | undefined {
  // It is no object of the user's: its text is checked against its form alone.
  if (value.kind === "MeshConfig")
    return checkForm(meshConfigKind.schema as Schema<unknown>, value).value as KubernetesObject;
  return parseObject(value).object;
}

function ingested(value: Value): KubernetesObject | undefined {
  return ingestObject(value as unknown as RawObject, pool).object;
}

/** Every field that the schema has within what is there, but for those that make an object of this name. */
function fieldsOf(form: Form, value: unknown, at: Path = []): Path[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => fieldsOf(form.items ?? {}, item, [...at, index]));
  if (typeof value !== "object" || value === null) return [];
  const { properties, patternProperties } = form;
  if (patternProperties !== undefined) {
    const [item = {}] = Object.values(patternProperties);
    return Object.entries(value).flatMap(([key, child]) => fieldsOf(item, child, [...at, key]));
  }
  return Object.entries(properties ?? {}).flatMap(([name, child]) => {
    const path = [...at, name];
    const own = HEAD.has(path.join(".")) || path.join(".") === "metadata" ? [] : [path];
    return [...own, ...fieldsOf(child, (value as Value)[name], path)];
  });
}

function withNull(object: Value, path: Path): Value {
  const copy = structuredClone(object);
  const [holder, name] = holderOf(copy, path);
  holder[name] = null;
  return copy;
}

function without(object: Value, path: Path): Value {
  const copy = structuredClone(object);
  const [holder, name] = holderOf(copy, path);
  delete holder[name];
  return copy;
}

function valueAt(object: Value, path: Path): unknown {
  return path.reduce<unknown>((value, step) => (value as Value)[step], object);
}

function holderOf(object: Value, path: Path): readonly [Record<string | number, unknown>, string | number] {
  const holder = path.slice(0, -1).reduce<Value>((value, step) => value[step] as Value, object);
  return [holder, path.at(-1) ?? ""];
}

/** But within what isn't looked into, where it may mean something. */
function assertNoNull(value: unknown, form: Form, path: string): void {
  assert.notEqual(value, null, path);
  if (Array.isArray(value)) for (const item of value) assertNoNull(item, form.items ?? {}, path);
  else if (typeof value === "object" && value !== null) {
    for (const [name, child] of Object.entries(value))
      if (form.properties?.[name] !== undefined)
        assertNoNull(child, form.properties[name], `${path} ${name}`);
  }
}

function sampleObject(kind: Kind): Value {
  const { apiVersion: _, kind: __, ...properties } = (kind.schema as Form).properties ?? {};
  const body = sampleOf({ properties }, DEPTH) as Value;
  const metadata = { ...(body.metadata as object), name: "sample", namespace: "shop" };
  return { ...body, apiVersion: kind.apiVersion, kind: kind.kind, metadata };
}

/** With every field, as deep as asked. */
function sampleOf(form: Form, depth: number): unknown {
  if (form.properties !== undefined) {
    const entries = Object.entries(form.properties);
    const kept = entries.filter(([name]) => depth > 0 || form.required?.includes(name));
    return Object.fromEntries(kept.map(([name, child]) => [name, sampleOf(child, depth - 1)]));
  }
  if (form.patternProperties !== undefined) {
    const [item = {}] = Object.values(form.patternProperties);
    return { app: sampleOf(item, depth - 1) };
  }
  if (form.items !== undefined) return [sampleOf(form.items, depth - 1)];
  if (form.enum !== undefined) return form.enum[0];
  if (form.anyOf !== undefined) return "http";
  if (form.type === "boolean") return true;
  if (form.type === "integer" || form.type === "number") return Math.max(1, form.minimum ?? 1);
  const texts: Readonly<Record<string, string>> = {
    duration: "1s",
    base64: "YQ==",
    timestamp: "2026-01-01T00:00:00Z",
  };
  return form.type === "string" ? (texts[form.format ?? ""] ?? "a") : {};
}
