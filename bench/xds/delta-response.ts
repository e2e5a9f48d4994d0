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
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === response.resources) found.resources.push(readResource(value));
    else if (number === response.typeUrl) found.typeUrl = textOf(value);
    else if (number === response.nonce) found.nonce = textOf(value);
    else if (number === response.removedResources) found.removed.push(textOf(value));
  }
  return found;
}

function readResource(bytes: Uint8Array): DeltaResource {
  const found = { name: "", version: "", body: new Uint8Array(0) };
  for (const { number, value } of fieldsOf(bytes)) {
    if (number === entry.name) found.name = textOf(value);
    else if (number === entry.version) found.version = textOf(value);
    else if (number === entry.resource) found.body = bodyOf(value);
  }
  return found;
}

function bodyOf(encodedAny: Uint8Array): Uint8Array<ArrayBuffer> {
  for (const { number, value } of fieldsOf(encodedAny)) {
    if (number === any.value) return value as Uint8Array<ArrayBuffer>;
  }
  return new Uint8Array(0);
}

interface Field {
  readonly number: number;
  readonly value: Uint8Array;
}

function* fieldsOf(bytes: Uint8Array): Iterable<Field> {
  let position = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[position];
      if (byte === undefined) throw new Error("Cannot read a field: the message ends within it");
      position += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (position < bytes.length) {
    const tag = varint();
    if ((tag & 7) !== LENGTH_DELIMITED) throw new Error(`Cannot read a field of wire type ${tag & 7}`);
    const end = varint() + position;
    if (end > bytes.length) throw new Error("Cannot read a field: it is longer than the message");
    yield { number: tag >>> 3, value: bytes.subarray(position, end) };
    position = end;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}
