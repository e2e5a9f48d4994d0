// A strict reader of DER (X.690) for untrusted input: definite minimal lengths, single-byte tags, no trailing
// bytes. It throws DerError alone; whoever takes bytes from outside turns that into a value at its own edge.

import { derTag } from "./der-tag.ts";

export class DerError extends Error {}

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Header and content, as they stood. */
  readonly bytes: Uint8Array;
}

/** Reads exactly one element; bytes after it are an error. */
export function readDer(bytes: Uint8Array): DerElement {
  const element = readAt(bytes, 0);
  if (element.bytes.length !== bytes.length) throw new DerError("bytes follow the outermost element");
  return element;
}

/** The elements inside a constructed one that must carry `tag`. */
export function childrenOf(parent: DerElement | undefined, tag: number, what: string): readonly DerElement[] {
  const content = contentOf(parent, tag, what);
  const children: DerElement[] = [];
  for (let offset = 0; offset < content.length; ) {
    const child = readAt(content, offset);
    children.push(child);
    offset += child.bytes.length;
  }
  return children;
}

export function contentOf(element: DerElement | undefined, tag: number, what: string): Uint8Array {
  if (element === undefined) throw new DerError(`${what} is missing`);
  if (element.tag !== tag) throw new DerError(`${what} has tag ${element.tag}, not ${tag}`);
  return element.content;
}

/** The bytes of a BIT STRING that fills whole bytes, as keys and signatures do. */
export function bitStringOf(element: DerElement | undefined, what: string): Uint8Array {
  const content = contentOf(element, derTag.bitString, what);
  if (content.length < 1 || content[0] !== 0) throw new DerError(`${what} isn't a whole number of bytes`);
  return content.subarray(1);
}

/** A non-negative INTEGER without its sign byte, minimally encoded. */
export function unsignedIntegerOf(element: DerElement | undefined, what: string): Uint8Array {
  const content = contentOf(element, derTag.integer, what);
  const [first, second = 0] = content;
  if (first === undefined || first >= 0x80) throw new DerError(`${what} is empty or negative`);
  if (content.length === 1) return content;
  if (first === 0 && second < 0x80) throw new DerError(`${what} isn't minimally encoded`);
  return first === 0 ? content.subarray(1) : content;
}

const MAX_OID_BYTES = 64;
const MAX_OID_ARC = 2 ** 31;

/** Dotted decimal form, such as `1.2.840.10045.2.1`. */
export function objectIdentifierOf(element: DerElement | undefined, what: string): string {
  const content = contentOf(element, derTag.objectIdentifier, what);
  if (content.length === 0 || content.length > MAX_OID_BYTES) throw new DerError(`${what} has a bad length`);
  const arcs: number[] = [];
  let arc = 0;
  let isArcOpen = false;
  for (const byte of content) {
    if (!isArcOpen && byte === 0x80) throw new DerError(`${what} isn't minimally encoded`);
    arc = arc * 128 + (byte & 0x7f);
    if (arc > MAX_OID_ARC) throw new DerError(`${what} has too large an arc`);
    isArcOpen = byte >= 0x80;
    if (isArcOpen) continue;
    arcs.push(arc);
    arc = 0;
  }
  if (isArcOpen) throw new DerError(`${what} ends inside an arc`);
  const [head = 0, ...tail] = arcs;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...tail].join(".");
}

function readAt(bytes: Uint8Array, offset: number): DerElement {
  const tag = byteAt(bytes, offset);
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag has more than one byte");
  const { length, headerBytes } = readLength(bytes, offset);
  const start = offset + headerBytes;
  const end = start + length;
  if (end > bytes.length) throw new DerError("an element is longer than what holds it");
  return { tag, content: bytes.subarray(start, end), bytes: bytes.subarray(offset, end) };
}

function readLength(bytes: Uint8Array, offset: number): { length: number; headerBytes: number } {
  const first = byteAt(bytes, offset + 1);
  if (first < 0x80) return { length: first, headerBytes: 2 };
  const count = first & 0x7f;
  // 0x80 is BER's indefinite length; more than three bytes would pass 16 MB.
  if (count === 0 || count > 3) throw new DerError("a length is indefinite or too large");
  let length = 0;
  for (let index = 0; index < count; index++) length = length * 256 + byteAt(bytes, offset + 2 + index);
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError("a length isn't minimally encoded");
  return { length, headerBytes: 2 + count };
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new DerError("the bytes end inside a header");
  return byte;
}
