// Writes protobuf fields by hand, for the two response messages whose payloads are encoded already: fragments are
// passed on, never copied.

import { Buffer } from "node:buffer";

/** A field of wire type LEN that holds text; nothing for empty text, which is proto3's default. */
export function stringField(number: number, text: string): Uint8Array {
  if (text === "") return new Uint8Array(0);
  const bytes = Buffer.byteLength(text);
  const header = lengthHeader(number, bytes);
  const field = Buffer.allocUnsafe(header.length + bytes);
  field.set(header);
  field.write(text, header.length);
  return field;
}

/** Tag and length of a LEN field; its content follows. */
export function lengthHeader(number: number, contentBytes: number): Uint8Array {
  const tag = number * 8 + 2;
  return Uint8Array.of(...varint(tag), ...varint(contentBytes));
}

export function byteLengthOf(fragments: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const fragment of fragments) bytes += fragment.length;
  return bytes;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}
