// google.protobuf.Struct on the wire, from JSON: how a node's metadata is said over xDS.

import { field, message } from "./wire-message.ts";

/** Values that aren't JSON are left out. */
export function encodeStruct(object: Readonly<Record<string, unknown>>): Uint8Array {
  return message(
    ...Object.entries(object).flatMap(([key, value]) => {
      const encoded = encodeValue(value);
      return encoded === undefined ? [] : [field(1, message(field(1, key), present(2, encoded)))];
    }),
  );
}

// Of google.protobuf.Value: a oneof, whose field counts even where it is empty or zero.
const NULL = Uint8Array.of(0x08, 0);
const FALSE = Uint8Array.of(0x20, 0);
const TRUE = Uint8Array.of(0x20, 1);

function encodeValue(value: unknown): Uint8Array | undefined {
  if (value === null) return NULL;
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  if (typeof value === "string") return present(3, Buffer.from(value));
  if (typeof value === "number") return encodeNumber(value);
  if (Array.isArray(value)) return present(6, message(...value.flatMap(encodeElement)));
  if (typeof value === "object") return present(5, encodeStruct(value as Readonly<Record<string, unknown>>));
  return undefined;
}

function encodeElement(value: unknown): Uint8Array[] {
  const encoded = encodeValue(value);
  return encoded === undefined ? [] : [present(1, encoded)];
}

function encodeNumber(value: number): Uint8Array {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0x11;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

/** As `field`, but written even if it is empty. */
function present(number: number, body: Uint8Array): Uint8Array {
  return body.length === 0 ? Uint8Array.of(number * 8 + 2, 0) : field(number, body);
}
