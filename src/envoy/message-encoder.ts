// Encodes messages as builders write them, plain objects with what is set, without making protobuf-es messages of
// them first. What is done for a field is settled once for each type, from its descriptor. The bytes are those of
// `toBinary(schema, create(schema, message))`, at less of its cost. On the way it notes what messages refer to.

import type { DescEnum, DescField, DescMessage, DescOneof, MessageInitShape } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { AnySchema, FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { BackwardWriter, type WireType } from "./backward-writer.ts";
import type { Reference, ReferenceReader } from "./references.ts";
import { encodeStruct } from "./struct-encoder.ts";

export interface EncodedMessage {
  readonly bytes: Uint8Array;
  /** What the message and the messages packed into it refer to, each once. */
  readonly references: readonly Reference[];
}

export type MessageEncoder = <Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
) => EncodedMessage;

/** An Any whose message is encoded with the message that holds it. */
export interface PackedMessage<Schema extends DescMessage = DescMessage> {
  readonly typeUrl: string;
  readonly packed: { readonly schema: Schema; readonly message: MessageInitShape<Schema> };
}

type Values = Readonly<Record<string, unknown>>;
/** Writes a value with whatever announces it; `undefined` and null never come. */
type EncodeValue = (writer: BackwardWriter, value: unknown) => void;
type EncodeMessage = (writer: BackwardWriter, message: Values) => void;

interface FieldEncoder {
  readonly number: number;
  readonly encode: EncodeValue;
}

/** What to do with a property: it is a field, or a group of which one is set. */
type Property = FieldEncoder | { readonly cases: ReadonlyMap<string | undefined, FieldEncoder> };

interface GroupValue {
  readonly case?: string;
  readonly value?: unknown;
}

/** Compiled types and the buffer stay with the encoder; encoding inside an encoding isn't possible. */
export function createMessageEncoder(
  readers: ReadonlyMap<string, ReferenceReader> = new Map(),
): MessageEncoder {
  const writer = new BackwardWriter();
  const compiler = new MessageCompiler(readers);
  return (schema, message) => {
    writer.reset();
    compiler.found.clear();
    compiler.encoderOf(schema)(writer, message as Values);
    return { bytes: writer.finish(), references: [...compiler.found.values()].reverse() };
  };
}

class MessageCompiler {
  /** Of the message that is being encoded. */
  readonly found = new Map<string, Reference>();
  readonly #readers: ReadonlyMap<string, ReferenceReader>;
  readonly #encoders = new Map<DescMessage, EncodeMessage>();

  constructor(readers: ReadonlyMap<string, ReferenceReader>) {
    this.#readers = readers;
  }

  encoderOf(type: DescMessage): EncodeMessage {
    const known = this.#encoders.get(type);
    if (known !== undefined) return known;
    const properties = new Map(
      type.members.map((member) => [member.localName, this.#property(member)] as const),
    );
    const required = type.fields.filter(
      ({ presence }) => presence === FeatureSet_FieldPresence.LEGACY_REQUIRED,
    );
    const readReference = this.#readers.get(type.typeName);
    const encoder: EncodeMessage = (writer, message) => {
      for (const { localName } of required) assertSet(type, message, localName);
      if (readReference !== undefined) this.#note(readReference(message));
      writeUnknownFields(writer, message);
      encodeFields(writer, message, properties);
    };
    this.#encoders.set(type, encoder);
    return encoder;
  }

  #note(reference: Reference | undefined): void {
    if (reference !== undefined) this.found.set(`${reference.type} ${reference.name}`, reference);
  }

  #property(member: DescField | DescOneof): Property {
    if (member.kind === "field") return this.#fieldEncoder(member);
    const cases = member.fields.map((field) => [field.localName, this.#fieldEncoder(field)] as const);
    return { cases: new Map<string | undefined, FieldEncoder>(cases) };
  }

  #fieldEncoder(field: DescField): FieldEncoder {
    const { number } = field;
    switch (field.fieldKind) {
      case "list":
        return { number, encode: this.#listEncoder(field) };
      case "map":
        return { number, encode: this.#mapEncoder(field) };
      default:
        return { number, encode: this.#singularEncoder(field) };
    }
  }

  #singularEncoder(field: DescField & { fieldKind: "scalar" | "enum" | "message" }): EncodeValue {
    const encode = this.#taggedEncoder(field, field.number);
    if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) return encode;
    const isZero = zeroTest(field);
    return (writer, value) => {
      if (!isZero(value)) encode(writer, value);
    };
  }

  #listEncoder(field: DescField & { fieldKind: "list" }): EncodeValue {
    const { number } = field;
    if (field.listKind !== "message" && field.packed) {
      const { encode } = scalarEncoding(scalarOf(field));
      return (writer, value) => {
        const items = value as readonly unknown[];
        if (items.length === 0) return;
        const before = writer.length;
        for (let index = items.length - 1; index >= 0; index -= 1) encode(writer, items[index]);
        writer.lengthDelimited(number, before);
      };
    }
    const encode = this.#taggedEncoder(field, number);
    return (writer, value) => {
      const items = value as readonly unknown[];
      for (let index = items.length - 1; index >= 0; index -= 1) encode(writer, items[index]);
    };
  }

  #mapEncoder(field: DescField & { fieldKind: "map" }): EncodeValue {
    const { number, mapKey } = field;
    const encodeKey = taggedScalar(mapKey, 1);
    const encodeValue = this.#taggedEncoder(field, 2);
    return (writer, value) => {
      const entries = value as Values;
      const keys = Object.keys(entries);
      for (let index = keys.length - 1; index >= 0; index -= 1) {
        const key = keys[index] as string;
        const before = writer.length;
        encodeValue(writer, entries[key]);
        encodeKey(writer, mapKeyValue(mapKey, key));
        writer.lengthDelimited(number, before);
      }
    };
  }

  /** Of one value: of a singular field, of an item of a list, of a map's entry. */
  #taggedEncoder(field: DescField, number: number): EncodeValue {
    if (field.message === undefined) return taggedScalar(scalarOf(field), number);
    const encode = this.#messageValueEncoder(field, field.message);
    if (field.fieldKind !== "map" && field.delimitedEncoding) {
      return (writer, value) => {
        writer.tag(number, 4);
        encode(writer, value);
        writer.tag(number, 3);
      };
    }
    return (writer, value) => {
      const before = writer.length;
      encode(writer, value);
      writer.lengthDelimited(number, before);
    };
  }

  /** Struct fields hold JSON, and singular wrapper fields the bare value, as protobuf-es has them. */
  #messageValueEncoder(field: DescField, type: DescMessage): EncodeValue {
    if (type.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value")
      return encodeStruct;
    if (field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(type)) {
      const [wrapped] = type.fields;
      const isZero = zeroTest(wrapped);
      const encode = taggedScalar(wrapped.scalar, wrapped.number);
      return (writer, value) => {
        if (!isZero(value)) encode(writer, value);
      };
    }
    if (type.typeName === "google.protobuf.Any") return this.#anyEncoder(type);
    // Found when a value comes: most of Envoy's types are never written.
    let encode: EncodeMessage | undefined;
    return (writer, value) => {
      encode ??= this.encoderOf(type);
      encode(writer, value as Values);
    };
  }

  /** Of an Any that holds bytes, or a message. */
  #anyEncoder(type: DescMessage): EncodeValue {
    const encodeBytes = this.encoderOf(type);
    const encodeUrl = taggedScalar(ScalarType.STRING, AnySchema.field.typeUrl.number);
    return (writer, value) => {
      const { packed } = value as Partial<PackedMessage>;
      if (packed === undefined) {
        encodeBytes(writer, value as Values);
        return;
      }
      const before = writer.length;
      this.encoderOf(packed.schema)(writer, packed.message as Values);
      if (writer.length > before) writer.lengthDelimited(AnySchema.field.value.number, before);
      encodeUrl(writer, (value as PackedMessage).typeUrl);
    };
  }
}

/**
 * Goes by what is set, not by what could be: a builder sets a handful of Cluster's sixty fields.
 * Fields stand in the order of their numbers, so the highest is written first.
 */
function encodeFields(
  writer: BackwardWriter,
  message: Values,
  properties: ReadonlyMap<string, Property>,
): void {
  const fields: FieldEncoder[] = [];
  const values: unknown[] = [];
  for (const name of Object.keys(message)) {
    const property = properties.get(name);
    let value = message[name];
    if (property === undefined || value === undefined || value === null) continue;
    let field: FieldEncoder | undefined;
    if ("cases" in property) {
      const group = value as GroupValue;
      field = property.cases.get(group.case);
      value = group.value;
      if (field === undefined) continue;
    } else field = property;
    let at = fields.length;
    for (; at > 0 && (fields[at - 1] as FieldEncoder).number < field.number; at -= 1) {
      fields[at] = fields[at - 1] as FieldEncoder;
      values[at] = values[at - 1];
    }
    fields[at] = field;
    values[at] = value;
  }
  for (let at = 0; at < fields.length; at += 1) (fields[at] as FieldEncoder).encode(writer, values[at]);
}

function assertSet(type: DescMessage, message: Values, name: string): void {
  if (!Object.hasOwn(message, name)) throw new Error(`Cannot encode ${type.typeName}: ${name} isn't set`);
}

function scalarOf(field: {
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
}): ScalarType {
  return field.scalar ?? ScalarType.INT32;
}

function taggedScalar(type: ScalarType, number: number): EncodeValue {
  const { encode, wireType } = scalarEncoding(type);
  if (wireType === 2) {
    return (writer, value) => {
      const before = writer.length;
      encode(writer, value);
      writer.lengthDelimited(number, before);
    };
  }
  return (writer, value) => {
    encode(writer, value);
    writer.tag(number, wireType);
  };
}

interface ScalarEncoding {
  readonly wireType: WireType;
  readonly encode: EncodeValue;
}

function scalarEncoding(type: ScalarType): ScalarEncoding {
  switch (type) {
    case ScalarType.STRING:
      return { wireType: 2, encode: (writer, value) => writer.text(value as string) };
    case ScalarType.BYTES:
      return { wireType: 2, encode: (writer, value) => writer.raw(value as Uint8Array) };
    case ScalarType.BOOL:
      return { wireType: 0, encode: (writer, value) => writer.bool(value as boolean) };
    case ScalarType.INT32:
      return { wireType: 0, encode: (writer, value) => writer.int32(value as number) };
    case ScalarType.UINT32:
      return { wireType: 0, encode: (writer, value) => writer.uint32(value as number) };
    case ScalarType.SINT32:
      return { wireType: 0, encode: (writer, value) => writer.sint32(value as number) };
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return { wireType: 0, encode: (writer, value) => writer.uint64(BigInt(value as bigint)) };
    case ScalarType.SINT64:
      return { wireType: 0, encode: (writer, value) => writer.sint64(BigInt(value as bigint)) };
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return { wireType: 5, encode: (writer, value) => writer.fixed32(value as number) };
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return { wireType: 1, encode: (writer, value) => writer.fixed64(BigInt(value as bigint)) };
    case ScalarType.FLOAT:
      return { wireType: 5, encode: (writer, value) => writer.float(value as number) };
    case ScalarType.DOUBLE:
      return { wireType: 1, encode: (writer, value) => writer.double(value as number) };
  }
}

/** Whether a value is the one that proto3 doesn't write. -0 is written. */
function zeroTest(field: { readonly scalar?: ScalarType | undefined }): (value: unknown) => boolean {
  switch (field.scalar) {
    case ScalarType.STRING:
      return (value) => value === "";
    case ScalarType.BYTES:
      return (value) => (value as Uint8Array).length === 0;
    case ScalarType.BOOL:
      return (value) => value === false;
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return (value) => Object.is(value, 0);
    default:
      return (value) => value === 0 || value === 0n;
  }
}

/** Keys of maps are text in JavaScript, whatever they are on the wire. */
function mapKeyValue(type: ScalarType, key: string): unknown {
  switch (type) {
    case ScalarType.STRING:
      return key;
    case ScalarType.BOOL:
      return key === "true";
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return BigInt(key);
    default:
      return Number(key);
  }
}

function writeUnknownFields(writer: BackwardWriter, message: Values): void {
  const unknown = message.$unknown as
    | readonly { readonly no: number; readonly wireType: WireType; readonly data: Uint8Array }[]
    | undefined;
  if (unknown === undefined) return;
  for (const { no, wireType, data } of [...unknown].reverse()) {
    writer.raw(data);
    writer.tag(no, wireType);
  }
}
