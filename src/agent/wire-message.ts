// Protobuf's wire format for the few messages that an agent exchanges. The generated code of Envoy's API, good as it is,
// would cost each pod's agent 10 MB of descriptors; tests check this against it.

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** By field number, in the order in which they came. Fields of numbers are passed over. */
export type WireFields = ReadonlyMap<number, readonly Uint8Array[]>;

/** Throws on bytes that aren't a message. */
export function readFields(bytes: Uint8Array): WireFields {
  const fields = new Map<number, Uint8Array[]>();
  let position = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[position++];
      if (byte === undefined || scale > 2 ** 63) throw new Error("A varint isn't ended");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (position < bytes.length) {
    const tag = readVarint();
    const kind = tag % 8;
    if (kind === VARINT) readVarint();
    else if (kind === FIXED64) position += 8;
    else if (kind === FIXED32) position += 4;
    else if (kind === LENGTH_DELIMITED) {
      const end = readVarint() + position;
      const number = Math.floor(tag / 8);
      const values = fields.get(number) ?? [];
      values.push(bytes.subarray(position, end));
      fields.set(number, values);
      position = end;
    } else throw new Error(`Cannot read a field of wire type ${kind}`);
    if (position > bytes.length) throw new Error("A field ends after its message");
  }
  return fields;
}

export function textsOf(fields: WireFields, number: number): readonly string[] {
  return (fields.get(number) ?? []).map((value) => Buffer.from(value).toString("utf8"));
}

/** The last one counts; empty where there is none. */
export function textOf(fields: WireFields, number: number): string {
  return textsOf(fields, number).at(-1) ?? "";
}

/** A field of text, bytes or an encoded message; empty ones are left out, as they mean the same. */
export function field(number: number, value: string | Uint8Array): Uint8Array {
  const body = typeof value === "string" ? Buffer.from(value) : value;
  if (body.length === 0) return body;
  return Buffer.concat([varint(number * 8 + LENGTH_DELIMITED), varint(body.length), body]);
}

/** As `field`, for an integer of at most 53 bits that isn't negative. */
export function numberField(number: number, value: number): Uint8Array {
  return value === 0 ? new Uint8Array() : Buffer.concat([varint(number * 8 + VARINT), varint(value)]);
}

export function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...bytes, rest]);
}
