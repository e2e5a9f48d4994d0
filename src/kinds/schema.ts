// The vocabulary in which kinds declare their fields: each word gives a TypeBox schema and, from it, the
// TypeScript type. A schema holds form alone (fields, types, ranges); meaning is in the kinds' rules.

import type { TSchema, TUnsafe } from "typebox";
import { Type } from "typebox";

/** A schema whose values have type T. */
export type Schema<T> = TUnsafe<T>;

/** The type of the values that a schema accepts. */
export type TypeOf<S> = S extends TUnsafe<infer T> ? T : never;

export type Fields = Readonly<Record<string, TSchema>>;

type NoFields = Record<never, never>;
/** What must be there. Where nothing was given, the compiler may infer the constraint, `Fields`, for R: that is none. */
export type RequiredOf<R> = string extends keyof R ? unknown : { readonly [K in keyof R]: TypeOf<R[K]> };

type MessageOf<O, R> = Flat<RequiredOf<R> & { readonly [K in keyof O]?: TypeOf<O[K]> }>;
type Flat<T> = { [K in keyof T]: T[K] };

interface MessageOptions<R extends Fields> {
  /** Fields that must be there. */
  readonly required?: R;
  /** Groups of fields of which at most one may be set: protobuf's oneof. */
  readonly oneofs?: readonly (readonly string[])[];
}

/** An object with these fields and no others. */
export function message<const O extends Fields, const R extends Fields = NoFields>(
  optional: O,
  { required, oneofs }: MessageOptions<R> = {},
): Schema<MessageOf<O, R>> {
  const properties: Record<string, TSchema> = { ...required };
  for (const [name, schema] of Object.entries(optional)) properties[name] = Type.Optional(schema);
  const extra = oneofs === undefined ? {} : { oneofs };
  return typed(Type.Object(properties, { additionalProperties: false, ...extra }));
}

export function text(options: { readonly format?: TextFormat } = {}): Schema<string> {
  return typed(Type.String(options));
}

/** Forms of text that the walker checks. */
export type TextFormat = "duration" | "base64" | "timestamp";

/** Go's spelling, such as "1h2m3s5ms"; kept as the user wrote it. */
export function duration(): Schema<string> {
  return text({ format: "duration" });
}

/** Base64, as JSON carries bytes. */
export function bytes(): Schema<string> {
  return text({ format: "base64" });
}

export function timestamp(): Schema<string> {
  return text({ format: "timestamp" });
}

export function flag(): Schema<boolean> {
  return typed(Type.Boolean());
}

export function integer(minimum: number, maximum: number): Schema<number> {
  return typed(Type.Integer({ minimum, maximum }));
}

export function int32(): Schema<number> {
  return integer(-(2 ** 31), 2 ** 31 - 1);
}

/** Not negative, as Kubernetes validates counts and times. */
export function count32(): Schema<number> {
  return integer(0, 2 ** 31 - 1);
}

export function uint32(): Schema<number> {
  return integer(0, 2 ** 32 - 1);
}

/** Within what a number holds exactly; no field of the mesh's kinds needs more. */
export function int64(): Schema<number> {
  return integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

export function uint64(): Schema<number> {
  return integer(0, Number.MAX_SAFE_INTEGER);
}

/** A port that can be listened on: 1 to 65535. */
export function port(): Schema<number> {
  return integer(1, 65535);
}

export function real(): Schema<number> {
  return typed(Type.Number());
}

/** One of these words. */
export function choice<const V extends readonly string[]>(...values: V): Schema<V[number]> {
  return typed(Type.Enum([...values]));
}

/** A port by number or by name, or a count or percentage. */
export function intOrString(): Schema<number | string> {
  return typed(Type.Union([Type.Integer(), Type.String()]));
}

/** A Kubernetes quantity: "100m", "1Gi", or a plain number. */
export function quantity(): Schema<number | string> {
  return typed(Type.Union([Type.Number(), Type.String()]));
}

export function list<T>(
  item: Schema<T>,
  { isEmptyWhenAbsent = false }: ListOptions = {},
): Schema<readonly T[]> {
  return typed(Type.Array(item, isEmptyWhenAbsent ? { default: [] } : {}));
}

interface ListOptions {
  /** A required list that Kubernetes takes and sends without anything, as `null`: it is empty then. */
  readonly isEmptyWhenAbsent?: boolean;
}

export function map<T>(value: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return typed(Type.Record(Type.String(), value));
}

/** Any object, not looked into. */
export function struct(): Schema<Readonly<Record<string, unknown>>> {
  return map(anything());
}

/** Any value, not looked into. */
export function anything(): Schema<unknown> {
  return typed(Type.Unknown());
}

// TypeBox's own inference is set aside: over a whole PodSpec it is slow to check and unreadable in messages.
function typed<T>(schema: TSchema): Schema<T> {
  return schema as Schema<T>;
}
