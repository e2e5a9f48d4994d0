// Writes DER (X.690): small pure functions that nest as the ASN.1 does. It never reads.

import { contextConstructed, contextPrimitive, derTag } from "./der-tag.ts";

export function derElement(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag), encodeLength(content.length), content]);
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(derTag.sequence, ...parts);
}

export function derSet(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(derTag.set, ...parts);
}

/** `[number] EXPLICIT`, or IMPLICIT over a SEQUENCE's or SET's content. */
export function derContext(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(contextConstructed(number), ...parts);
}

/** `[number] IMPLICIT` over a primitive value. */
export function derContextPrimitive(number: number, content: Uint8Array): Uint8Array {
  return derElement(contextPrimitive(number), content);
}

export function derBoolean(value: boolean): Uint8Array {
  return derElement(derTag.boolean, Uint8Array.of(value ? 0xff : 0));
}

export function derNull(): Uint8Array {
  return derElement(derTag.null);
}

/** A non-negative integer, big-endian; leading zeros are dropped and a sign byte added where needed. */
export function derUnsignedInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const magnitude = bytes.subarray(start);
  const sign = (magnitude[0] ?? 0) >= 0x80 || magnitude.length === 0 ? Uint8Array.of(0) : new Uint8Array();
  return derElement(derTag.integer, sign, magnitude);
}

export function derObjectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return derElement(
    derTag.objectIdentifier,
    Uint8Array.from([first * 40 + second, ...rest].flatMap(arcBytes)),
  );
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return derElement(derTag.octetString, bytes);
}

/** `unusedBits` counts the low bits of the last byte that don't belong to the string. */
export function derBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return derElement(derTag.bitString, Uint8Array.of(unusedBits), bytes);
}

export function derUtf8String(text: string): Uint8Array {
  return derElement(derTag.utf8String, Buffer.from(text, "utf8"));
}

/** RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, both in whole seconds. */
export function derTime(epochMs: number): Uint8Array {
  const digits = new Date(epochMs)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  const isUtcTime = Number(digits.slice(0, 4)) < 2050;
  const tag = isUtcTime ? derTag.utcTime : derTag.generalizedTime;
  return derElement(tag, Buffer.from(isUtcTime ? digits.slice(2) : digits, "ascii"));
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

function arcBytes(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift((rest & 0x7f) | 0x80);
  }
  return bytes;
}
