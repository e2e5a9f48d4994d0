// From a kind's schema to the structural schema that an API server takes: other words for the same form, with the
// kind's constraints, descriptions, and CEL rules for groups of which one may be set.

import { childPath } from "../core/field-path.ts";
import type { Admission, AdmissionRule, Constraint } from "../kinds/admission.ts";
import { atMostOne } from "../kinds/admission.ts";
import { nodeOf, type SchemaNode } from "../kinds/schema-node.ts";

/** OpenAPI v3 as far as the API server takes it. */
export interface StructuralSchema {
  readonly type?: "object" | "array" | "string" | "boolean" | "integer" | "number";
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly not?: { readonly anyOf: readonly { readonly required: readonly string[] }[] };
  readonly "x-kubernetes-validations"?: readonly AdmissionRule[];
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-int-or-string"?: true;
}

/** What is known of a field, by its path. */
export interface FieldNotes {
  readonly admission: Admission;
  describe(path: string): string | undefined;
}

interface Place {
  readonly path: string;
  /** How often it can stand in one object: the product of the bounds of the lists and maps around it. */
  readonly count: number;
  readonly notes: FieldNotes;
}

/** The schema at `path` of a kind, such as `spec`. */
export function structuralSchema(schema: object, path: string, notes: FieldNotes): StructuralSchema {
  return convert(nodeOf(schema), { path, count: 1, notes });
}

function convert(node: SchemaNode, place: Place): StructuralSchema {
  const { minimum, maximum, rules = [], ...bounds }: Constraint = place.notes.admission[place.path] ?? {};
  const form = formOf(node, place);
  const description = place.notes.describe(place.path);
  const validations = [...(form["x-kubernetes-validations"] ?? []), ...rules];
  return {
    ...(description === undefined ? {} : { description }),
    ...form,
    ...bounds,
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(validations.length === 0 ? {} : { "x-kubernetes-validations": validations }),
  };
}

function formOf(node: SchemaNode, place: Place): StructuralSchema {
  if (node.properties !== undefined) return messageForm(node, node.properties, place);
  if (node.patternProperties !== undefined) return mapForm(node.patternProperties, place);
  if (node.items !== undefined) {
    const { maxItems = Infinity } = place.notes.admission[place.path] ?? {};
    const items = convert(node.items, inside(place, `${place.path}[]`, maxItems));
    return { type: "array", items };
  }
  if (node.enum !== undefined) return { type: "string", enum: node.enum };
  if (node.anyOf !== undefined) return { "x-kubernetes-int-or-string": true };
  if (node.type === undefined) return { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return scalarForm(node);
}

function inside(place: Place, path: string, bound = 1): Place {
  return { ...place, path, count: place.count * bound };
}

function messageForm(
  node: SchemaNode,
  properties: Readonly<Record<string, SchemaNode>>,
  place: Place,
): StructuralSchema {
  const fields = Object.entries(properties).map(([name, property]): [string, StructuralSchema] => [
    name,
    convert(property, inside(place, childPath(place.path, name))),
  ]);
  return {
    type: "object",
    ...(fields.length === 0 ? {} : { properties: Object.fromEntries(fields) }),
    ...((node.required ?? []).length === 0 ? {} : { required: node.required ?? [] }),
    ...oneofForm(node.oneofs ?? [], place),
  };
}

// The API server adds up what a rule may cost in the largest object there can be, and refuses the whole kind if that
// is too much. Where a part may stand more often than this, its oneof is said without a rule, whose message is better.
const MOST_RULED_PARTS = 100_000;

function oneofForm(groups: readonly (readonly string[])[], { count }: Place): StructuralSchema {
  if (groups.length === 0) return {};
  if (count <= MOST_RULED_PARTS) {
    const rules = groups.map((group) => atMostOne(`only one of ${group.join(", ")} can be set`, ...group));
    return { "x-kubernetes-validations": rules };
  }
  const pairs = groups.flatMap((group) =>
    group.flatMap((one, index) => group.slice(index + 1).map((other) => ({ required: [one, other] }))),
  );
  return { not: { anyOf: pairs } };
}

function mapForm(patternProperties: Readonly<Record<string, SchemaNode>>, place: Place): StructuralSchema {
  const [value = {}] = Object.values(patternProperties);
  const isUnknown = value.type === undefined && value.properties === undefined && value.anyOf === undefined;
  if (isUnknown && value.enum === undefined && value.patternProperties === undefined) {
    return { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  }
  const { maxProperties = Infinity } = place.notes.admission[place.path] ?? {};
  return {
    type: "object",
    additionalProperties: convert(value, inside(place, `${place.path}.*`, maxProperties)),
  };
}

// Go's notation; a rule in CEL would cost too much in lists of any length.
const DURATION_PATTERN = "^([-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|ms|s|m|h))+$|^[-+]?0$";

function scalarForm({ format, maximum, minimum, type }: SchemaNode): StructuralSchema {
  switch (type) {
    case "string":
      if (format === "duration") return { type, pattern: DURATION_PATTERN };
      return format === "timestamp" ? { type, format: "date-time" } : { type };
    case "integer":
      return {
        type,
        ...(minimum === undefined ? {} : { minimum }),
        ...(maximum === undefined ? {} : { maximum }),
      };
    case "boolean":
    case "number":
      return { type };
    default:
      throw new Error(`No structural schema says the type ${type}`);
  }
}
