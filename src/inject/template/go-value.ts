// Values as templates see them: JSON's, with Go's idea of what is true, equal and empty. Objects of a known form are
// read by Go's names of their fields (`.Spec.ServiceAccountName`), and fields that aren't set are Go's zero values.

import type { Schema } from "../../kinds/schema.ts";
import { TemplateFault } from "./template-fault.ts";

/** An object whose fields a schema names; maps, such as labels and Helm's values, are plain objects. */
export class GoStruct {
  readonly schema: SchemaNode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(schema: SchemaNode, fields: Readonly<Record<string, unknown>>) {
    this.schema = schema;
    this.fields = fields;
  }
}

/** The keywords of our schemas that say which form a value has. */
interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly enum?: readonly string[];
}

export function goStruct(schema: Schema<unknown>, value: object): GoStruct {
  return new GoStruct(schema as SchemaNode, value as Readonly<Record<string, unknown>>);
}

export function fieldOf(value: unknown, name: string): unknown {
  if (value instanceof GoStruct) return structField(value, name);
  if (isMap(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
  // An enum of Istio's API, such as the interception mode, is text here.
  if (typeof value === "string" && name === "String") return value;
  throw new TemplateFault(`${describe(value)} has no field "${name}"`);
}

function structField({ schema, fields }: GoStruct, name: string): unknown {
  const properties = schema.properties ?? {};
  const wanted = [name, name.replace(/^Get(?=[A-Z])/, "")].map((word) => word.toLowerCase());
  const key = Object.keys(properties).find((known) => wanted.includes(known.toLowerCase()));
  const inner = key === undefined ? undefined : properties[key];
  if (key === undefined || inner === undefined) throw new TemplateFault(`there is no field "${name}"`);
  const value = fields[key];
  return value === undefined || value === null ? zeroOf(inner) : formed(inner, value);
}

function formed(schema: SchemaNode, value: unknown): unknown {
  const { items, patternProperties, properties } = schema;
  if (Array.isArray(value))
    return items === undefined ? value : value.map((item: unknown) => formed(items, item));
  if (!isMap(value)) return value;
  if (properties !== undefined) return new GoStruct(schema, value);
  const [inner] = Object.values(patternProperties ?? {});
  if (inner === undefined) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, formed(inner, item)]));
}

function zeroOf({ enum: choices, items, patternProperties, type }: SchemaNode): unknown {
  if (items !== undefined) return [];
  if (patternProperties !== undefined) return {};
  if (choices !== undefined || type === "string") return "";
  if (type === "integer" || type === "number") return 0;
  return type === "boolean" ? false : undefined;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof GoStruct);
}

export function isNil(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** False are nil, false, 0 and whatever is empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return hasKeys(value);
  return Boolean(value);
}

// Counting the keys of a large map takes long.
function hasKeys(map: Readonly<Record<string, unknown>>): boolean {
  for (const key in map) if (Object.hasOwn(map, key)) return true;
  return false;
}

/** As JSON has it, without forms. */
export function plain(value: unknown): unknown {
  if (value instanceof GoStruct) return plain(value.fields);
  if (Array.isArray(value)) return value.map(plain);
  if (!isMap(value)) return value;
  const set = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(set.map(([key, inner]) => [key, plain(inner)]));
}

/** As Go prints it into the output. */
export function formatValue(value: unknown): string {
  if (isNil(value)) return "<no value>";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(" ")}]`;
  if (isMap(value)) {
    const pairs = Object.keys(value)
      .sort()
      .map((key) => `${key}:${formatValue(value[key])}`);
    return `map[${pairs.join(" ")}]`;
  }
  return value instanceof GoStruct ? JSON.stringify(plain(value)) : String(value);
}

export function describe(value: unknown): string {
  if (isNil(value)) return "nil";
  if (value instanceof GoStruct || isMap(value)) return "an object";
  if (Array.isArray(value)) return "a list";
  const isLong = typeof value === "string" && value.length > MAX_QUOTED;
  return `${typeof value} ${JSON.stringify(isLong ? `${value.slice(0, MAX_QUOTED)}…` : value)}`;
}

const MAX_QUOTED = 80;
