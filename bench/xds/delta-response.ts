// Reads a DeltaDiscoveryResponse as far as a client must to answer it: names, versions, where the bodies are. It
// leaves bodies alone, which makes it cheap enough for a thousand simulated clients.

import { Buffer } from "node:buffer";

export interface DeltaResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly DeltaResource[];
  readonly removed: readonly string[];
}

export interface DeltaResource {
  readonly name: string;
  readonly version: string;
  /** The message inside the Any; a view of the response. */
  readonly body: Uint8Array;
}

// Field numbers of envoy/service/discovery/v3/discovery.proto and google/protobuf/any.proto.
const response = { resources: 2, typeUrl: 4, nonce: 5, removedResources: 6 } as const;
const entry = { version: 1, resource: 2, name: 3 } as const;
const any = { value: 2 } as const;
const LENGTH_DELIMITED = 2;

/** Throws on anything but a DeltaDiscoveryResponse of the fields that Meltemi writes. */
export function readDeltaResponse(bytes: Uint8Array): DeltaResponse {
  const found = { typeUrl: "", nonce: "", resources: [] as DeltaResource[], removed: [] as string[] };
  const fields = new FieldReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  while (fields.next()) {
    if (fields.number === response.resources) found.resources.push(readResource(fields.inside()));
    else if (fields.number === response.typeUrl) found.typeUrl = fields.text();
    else if (fields.number === response.nonce) found.nonce = fields.text();
    else if (fields.number === response.removedResources) found.removed.push(fields.text());
  }
  return found;
}

function readResource(fields: FieldReader): DeltaResource {
  const found = { name: "", version: "", body: new Uint8Array(0) };
  while (fields.next()) {
    if (fields.number === entry.name) found.name = fields.text();
    else if (fields.number === entry.version) found.version = fields.text();
    else if (fields.number === entry.resource) found.body = readBody(fields.inside());
  }
  return found;
}

function readBody(fields: FieldReader): Uint8Array<ArrayBuffer> {
  while (fields.next()) if (fields.number === any.value) return fields.bytes();
  return new Uint8Array(0);
}

/** Goes through the fields of a message, all of which must be length-delimited. */
class FieldReader {
  number = 0;
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;
  #valueStart = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** False at the end of the message. */
  next(): boolean {
    if (this.#position >= this.#end) return false;
    const tag = this.#varint();
    if ((tag & 7) !== LENGTH_DELIMITED) throw new Error(`Cannot read a field of wire type ${tag & 7}`);
    this.number = tag >>> 3;
    const length = this.#varint();
    this.#valueStart = this.#position;
    this.#position += length;
    if (this.#position > this.#end) throw new Error("Cannot read a field: it is longer than its message");
    return true;
  }

  text(): string {
    return this.#bytes.toString("utf8", this.#valueStart, this.#position);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#valueStart, this.#position) as Uint8Array<ArrayBuffer>;
  }

  inside(): FieldReader {
    return new FieldReader(this.#bytes, this.#valueStart, this.#position);
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined) throw new Error("Cannot read a field: the message ends within it");
      this.#position += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}
