// Values for a leaf of a kind's schema, and objects with the leaf set to one.

import assert from "node:assert/strict";
import type { SchemaNode } from "../../src/kinds/schema-node.ts";

/** `spec.http[].match` as the steps `spec`, `http`, `[]`, `match`. */
export function stepsOf(path: string): readonly string[] {
  return path.replaceAll("[]", ".[]").split(".");
}

export function schemaAt(schema: SchemaNode, path: string): SchemaNode {
  return stepsOf(path).reduce((at, step) => childSchema(at, step, path), schema);
}

function childSchema(schema: SchemaNode, step: string, path: string): SchemaNode {
  const [ofMap] = Object.values(schema.patternProperties ?? {});
  const child = step === "[]" ? schema.items : (schema.properties?.[step] ?? ofMap);
  assert.ok(child !== undefined, `no ${step} of ${path}`);
  return child;
}

/** All values of an enum or a flag; of anything else two. */
export function sampleValues(schema: SchemaNode): readonly unknown[] {
  if (schema.enum !== undefined) return schema.enum;
  if (schema.items !== undefined) return sampleValues(schema.items).map((value) => [value]);
  if (schema.format === "duration") return ["7s", "8s"];
  if (schema.format === "base64") return ["c29tZQ==", "b3RoZXI="];
  if (schema.type === "boolean") return [true, false];
  if (schema.type === "string") return ["some", "other"];
  // Numbers that are ports, counts and percentages alike.
  return [80, 81];
}

/** A copy with the field set: missing parts are made, and other members of its oneofs go. */
export function withField(
  object: unknown,
  { path, value, schema }: { readonly path: string; readonly value: unknown; readonly schema: SchemaNode },
): unknown {
  const copy: unknown = structuredClone(object);
  const steps = stepsOf(path);
  let at = copy as Record<string, unknown>;
  let form = schema;
  for (const [index, step] of steps.entries()) {
    const key = step === "[]" ? "0" : step === "*" ? (firstKey(at) ?? "some") : step;
    const group = form.oneofs?.find((names) => names.includes(key)) ?? [];
    for (const other of group.filter((name) => name !== key)) delete at[other];
    form = childSchema(form, step, path);
    if (index === steps.length - 1) at[key] = value;
    else {
      at[key] ??= steps[index + 1] === "[]" ? [] : {};
      at = at[key] as Record<string, unknown>;
    }
  }
  return copy;
}

/** A copy without the part of it at `path`, where it has one. */
export function withoutPart(object: unknown, path: string): unknown {
  const copy: unknown = structuredClone(object);
  const steps = stepsOf(path).map((step) => (step === "[]" ? "0" : step));
  const last = steps.pop() ?? "";
  let at = copy as Record<string, unknown> | undefined;
  for (const step of steps) at = at?.[step] as Record<string, unknown> | undefined;
  if (at !== undefined) delete at[last];
  return copy;
}

function firstKey(map: Record<string, unknown>): string | undefined {
  return Object.keys(map)[0];
}
