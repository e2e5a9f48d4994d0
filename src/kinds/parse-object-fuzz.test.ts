// Objects made at random from the schemas themselves: whatever has the right form goes through the rules
// without a throw, and every finding has a path within the object.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { kinds } from "./all-kinds.ts";
import { checkForm } from "./check-form.ts";
import type { Kind } from "./define-kind.ts";
import { parseObject } from "./parse-object.ts";
import type { Schema } from "./schema.ts";
import { nodeOf, type SchemaNode } from "./schema-node.ts";

const words = fc.constantFrom(
  "a",
  "v1",
  "",
  "*",
  "*.a.com",
  "a.com",
  "mesh",
  "ns/gw",
  ".",
  "~",
  "10.0.0.0/8",
  "::1",
  "5xx",
  "(",
  "%",
  "unix:///a",
  "a/b/c",
  "A:1",
  "app",
  "topology.kubernetes.io/zone",
);
const formats: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  duration: fc.constantFrom("0s", "1ms", "5s", "0.0001ms", "-1s", "1h2m"),
  base64: fc.constant("YQ=="),
  timestamp: fc.constant("2026-01-01T00:00:00Z"),
};

function arbitraryOf(node: SchemaNode, depth: number): fc.Arbitrary<unknown> {
  if (node.properties !== undefined) return messageOf(node, node.properties, depth);
  if (node.patternProperties !== undefined) {
    const [item = {}] = Object.values(node.patternProperties);
    return fc.dictionary(fc.constantFrom("a", "80", "app", "x-user"), arbitraryOf(item, depth - 1), {
      maxKeys: 2,
    });
  }
  if (node.items !== undefined) return fc.array(arbitraryOf(node.items, depth - 1), { maxLength: 2 });
  if (node.enum !== undefined) return fc.constantFrom(...node.enum);
  if (node.anyOf !== undefined) return fc.oneof(...node.anyOf.map((member) => arbitraryOf(member, depth)));
  if (node.type === "boolean") return fc.boolean();
  if (node.type === "number") return fc.constantFrom(-1, 0, 0.5, 100, 101);
  if (node.type === "integer") return integerOf(node);
  return node.type === "string" ? (formats[node.format ?? ""] ?? words) : fc.constant({});
}

function integerOf({ minimum = -1, maximum = 70_000 }: SchemaNode): fc.Arbitrary<unknown> {
  const chosen = [-1, 0, 1, 80, 443, 70_000].filter((value) => value >= minimum && value <= maximum);
  return fc.constantFrom(...chosen);
}

// Of the optional fields a few are set, fewer the deeper they stand, and of a oneof one.
function messageOf(
  node: SchemaNode,
  properties: Readonly<Record<string, SchemaNode>>,
  depth: number,
): fc.Arbitrary<unknown> {
  const required = node.required ?? [];
  const optional = depth <= 0 ? [] : Object.keys(properties).filter((name) => !required.includes(name));
  return fc.subarray(optional, { maxLength: Math.min(4, optional.length) }).chain((names) => {
    const repeated = (node.oneofs ?? []).flatMap((group) =>
      names.filter((name) => group.includes(name)).slice(1),
    );
    const chosen = [...required, ...names].filter((name) => !repeated.includes(name));
    return fc.record(
      Object.fromEntries(chosen.map((name) => [name, arbitraryOf(properties[name] ?? {}, depth - 1)])),
    );
  });
}

const DEPTH = 9;
const ROUNDS = 150;

function objectsOf(kind: Kind): fc.Arbitrary<Record<string, unknown>> {
  const { apiVersion, metadata, kind: name, status, ...fields } = nodeOf(kind.schema).properties ?? {};
  assert.ok(apiVersion && metadata && name);
  const message = messageOf({ required: Object.keys(fields) }, fields, DEPTH);
  const head = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: "a", namespace: "shop" } };
  return message.map((body) => ({ ...head, ...(body as object) }));
}

for (const kind of kinds) {
  test(`${kind.kind}: objects of the right form go through the rules`, () => {
    let rightCount = 0;
    fc.assert(
      fc.property(objectsOf(kind), (object) => {
        const { findings } = checkForm(kind.schema as Schema<unknown>, object);
        assert.deepEqual(findings, [], "the generator and the walker disagree about the form");
        const found =
          kind.scope === "Pseudo" ? [...kind.check(object as never)] : parseObject(object).findings;
        for (const { path, message } of found) {
          assert.match(
            path,
            /^(?:spec|metadata|status|data|ports|endpoints|addressType|secrets|imagePull|automount|roleRef|subjects)/,
          );
          assert.doesNotMatch(message, /undefined|\[object/);
        }
        rightCount++;
      }),
      { numRuns: ROUNDS },
    );
    assert.equal(rightCount, ROUNDS);
  });
}
