// A schema of our vocabulary (schema.ts) as the plain JSON Schema that it is, for those who walk one.

/** The keywords that the vocabulary makes. */
export interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  /** Of a map: one pattern, that takes every key. */
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly SchemaNode[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Groups of fields of which one may be set, as protobuf's oneof. */
  readonly oneofs?: readonly (readonly string[])[];
  /** Of a required field that may be absent. */
  readonly default?: unknown;
}

export function nodeOf(schema: object): SchemaNode {
  return schema as SchemaNode;
}
