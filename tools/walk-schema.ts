// Lists the fields of a kind's schema, down to the leaves, in the notation of patterns: `spec.hosts`,
// `spec.http[].match[].uri.exact`, `spec.selector.*`.

import type { TSchema } from "typebox";

/** A schema as the walk sees it: TypeBox's plain JSON Schema objects. */
interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** Leaves in the order of declaration. A list of plain values is one leaf; a map of them is one, `name.*`. */
export function leavesOf(schema: TSchema, path = ""): string[] {
  return walk(schema as JsonSchema, path, []);
}

function walk(schema: JsonSchema, path: string, ancestors: readonly JsonSchema[]): string[] {
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

function isPlain(schema: JsonSchema): boolean {
  return (
    schema.properties === undefined && schema.patternProperties === undefined && schema.items === undefined
  );
}
