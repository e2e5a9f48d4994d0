// Writes protobuf's wire format from the end to the start: when the start of a message is written its length is
// known, so nothing is measured beforehand or moved afterwards.

import { Buffer } from "node:buffer";

export type WireType = 0 | 1 | 2 | 3 | 4 | 5;

const INITIAL_BYTES = 64 * 1024;
// Up to this length a loop is faster than a call into Node's UTF-8 encoder.
const SHORT_TEXT_LENGTH = 48;

export class BackwardWriter {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** Where the first byte that was written stands. */
  #start = INITIAL_BYTES;

  /** How much was written; the difference of two is the length of what came between them. */
  get length(): number {
    return this.#bytes.length - this.#start;
  }

  reset(): void {
    this.#start = this.#bytes.length;
  }

  /** A copy of all that was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(this.#start));
  }

  tag(number: number, type: WireType): void {
    this.uint32(((number << 3) | type) >>> 0);
  }

  /** Tag and length before the bytes written since `length` was `before`. */
  lengthDelimited(number: number, before: number): void {
    this.uint32(this.length - before);
    this.tag(number, 2);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw new RangeError(`Cannot encode ${value} as uint32`);
    let at = this.#reserve(value < 0x80 ? 1 : Math.ceil((32 - Math.clz32(value)) / 7));
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[at] = rest;
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`Cannot encode ${value} as int32`);
    if (value >= 0) this.uint32(value);
    else this.uint64(BigInt(value));
  }

  sint32(value: number): void {
    if ((value | 0) !== value) throw new RangeError(`Cannot encode ${value} as sint32`);
    this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Also int64, whose negative values are written as their two's complement. */
  uint64(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    if (rest <= 0x7fff_ffffn) {
      this.uint32(Number(rest));
      return;
    }
    const bytes: number[] = [];
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.#bytes.set(bytes, this.#reserve(bytes.length));
  }

  sint64(value: bigint): void {
    this.uint64((value << 1n) ^ (value >> 63n));
  }

  bool(value: boolean): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value ? 1 : 0;
  }

  fixed32(value: number): void {
    const at = this.#reserve(4);
    this.#bytes.writeUInt32LE(value >>> 0, at);
  }

  fixed64(value: bigint): void {
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  }

  float(value: number): void {
    const at = this.#reserve(4);
    this.#bytes.writeFloatLE(value, at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#bytes.writeDoubleLE(value, at);
  }

  /** Without a length. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** UTF-8, without a length. */
  text(text: string): void {
    if (text.length <= SHORT_TEXT_LENGTH && this.#shortAscii(text)) return;
    const at = this.#reserve(Buffer.byteLength(text));
    this.#bytes.write(text, at);
  }

  /** Writes nothing and says false if some character isn't ASCII. */
  #shortAscii(text: string): boolean {
    const end = this.#start;
    const at = this.#reserve(text.length);
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.#start = end;
        return false;
      }
      this.#bytes[at + index] = code;
    }
    return true;
  }

  #reserve(byteCount: number): number {
    if (byteCount > this.#start) this.#grow(byteCount);
    this.#start -= byteCount;
    return this.#start;
  }

  #grow(byteCount: number): void {
    const { length } = this;
    const larger = Buffer.allocUnsafeSlow(2 * Math.max(this.#bytes.length, length + byteCount));
    larger.set(this.#bytes.subarray(this.#start), larger.length - length);
    this.#start = larger.length - length;
    this.#bytes = larger;
  }
}
