// subjectAltName (RFC 5280, 4.2.1.6), read and written: URIs, DNS names and IPv4 addresses. Other names are skipped when read.

import { childrenOf, DerError, readDer } from "./der-reader.ts";
import { contextPrimitive, derTag } from "./der-tag.ts";
import { derContextPrimitive, derSequence } from "./der-writer.ts";

export interface SubjectAlternativeNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Dotted decimal IPv4 addresses. */
  readonly ipAddresses: readonly string[];
}

const DNS_NAME = 2;
const URI = 6;
const IP_ADDRESS = 7;

/** Reads the extension's value. Throws DerError. */
export function readSubjectAlternativeNames(value: Uint8Array): SubjectAlternativeNames {
  const names = childrenOf(readDer(value), derTag.sequence, "subject alternative names");
  const contentsOf = (number: number) =>
    names.filter((name) => name.tag === contextPrimitive(number)).map((name) => name.content);
  return {
    uris: contentsOf(URI).map(ia5Text),
    dnsNames: contentsOf(DNS_NAME).map(ia5Text),
    ipAddresses: contentsOf(IP_ADDRESS)
      .filter((address) => address.length === 4)
      .map((address) => address.join(".")),
  };
}

/** The extension's value. */
export function encodeSubjectAlternativeNames(names: SubjectAlternativeNames): Uint8Array {
  return derSequence(
    ...names.uris.map((uri) => derContextPrimitive(URI, Buffer.from(uri, "ascii"))),
    ...names.dnsNames.map((name) => derContextPrimitive(DNS_NAME, Buffer.from(name, "ascii"))),
    ...names.ipAddresses.map((address) =>
      derContextPrimitive(IP_ADDRESS, Uint8Array.from(address.split(".").map(Number))),
    ),
  );
}

// Printable ASCII only: a NUL or a control character in a name is an attack, never a name.
function ia5Text(bytes: Uint8Array): string {
  for (const byte of bytes)
    if (byte < 0x20 || byte > 0x7e) throw new DerError("a name holds a byte that isn't text");
  return Buffer.from(bytes).toString("latin1");
}
