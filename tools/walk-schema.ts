// Lists the fields of a kind's schema, down to the leaves, in the notation of patterns: `spec.hosts`,
// `spec.http[].match[].uri.exact`, `spec.selector.*`.

import type { TSchema } from "typebox";
import { nodeOf, type SchemaNode } from "../src/kinds/schema-node.ts";

/** Leaves in the order of declaration. A list of plain values is one leaf; a map of them is one, `name.*`. */
export function leavesOf(schema: TSchema, path = ""): string[] {
  return walk(nodeOf(schema), path, []);
}

function walk(schema: SchemaNode, path: string, ancestors: readonly SchemaNode[]): string[] {
  // A schema inside itself (JSON Schema in a CRD, say) ends the walk: its fields are listed once.
  if (ancestors.includes(schema)) return [path];
  const inside = [...ancestors, schema];
  if (schema.properties !== undefined) {
    const entries = Object.entries(schema.properties);
    if (entries.length === 0) return [path];
    return entries.flatMap(([name, child]) => walk(child, path === "" ? name : `${path}.${name}`, inside));
  }
  const [values] = Object.values(schema.patternProperties ?? {});
  if (values !== undefined) return walk(values, `${path}.*`, inside);
  if (schema.items === undefined) return [path];
  return isPlain(schema.items) ? [path] : walk(schema.items, `${path}[]`, inside);
}

function isPlain(schema: SchemaNode): boolean {
  return (
    schema.properties === undefined && schema.patternProperties === undefined && schema.items === undefined
  );
}
