// What Meltemi needs to know of an existing certificate: raw names and keys to issue under it, names and times to judge it.
// It verifies nothing: the chain is TLS's matter, or node:crypto's.

import type { PodReference } from "../core/stream-identity.ts";
import type { DerElement } from "./der-reader.ts";
import { childrenOf, contentOf, DerError, objectIdentifierOf, readDer } from "./der-reader.ts";
import { contextConstructed, derTag } from "./der-tag.ts";
import { objectIdentifier } from "./object-identifier.ts";
import { readPodSubject } from "./pod-subject.ts";
import type { SubjectAlternativeNames } from "./subject-alternative-name.ts";
import { readSubjectAlternativeNames } from "./subject-alternative-name.ts";
import type { SubjectPublicKey } from "./subject-public-key.ts";
import { readSubjectPublicKey } from "./subject-public-key.ts";

export interface Certificate {
  readonly subjectName: Uint8Array;
  readonly publicKey: SubjectPublicKey;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly names: SubjectAlternativeNames;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly isAuthority: boolean;
}

const noNames: SubjectAlternativeNames = { uris: [], dnsNames: [], ipAddresses: [] };

/** Throws DerError for what isn't a v3 certificate with an EC or RSA key. */
export function readCertificate(der: Uint8Array): Certificate {
  const [body] = childrenOf(readDer(der), derTag.sequence, "certificate");
  const fields = childrenOf(body, derTag.sequence, "certificate body");
  const [version, , , , validity, subject, key, ...optional] = fields;
  contentOf(version, contextConstructed(0), "version");
  const [notBefore, notAfter] = childrenOf(validity, derTag.sequence, "validity");
  childrenOf(subject, derTag.sequence, "subject");
  const extensions = readExtensions(optional.find((field) => field.tag === contextConstructed(3)));
  const namesValue = extensions.get(objectIdentifier.subjectAlternativeName);
  const keyIdValue = extensions.get(objectIdentifier.subjectKeyIdentifier);
  return {
    subjectName: subject?.bytes ?? new Uint8Array(),
    publicKey: readSubjectPublicKey(key),
    notBeforeMs: readTime(notBefore),
    notAfterMs: readTime(notAfter),
    names: namesValue === undefined ? noNames : readSubjectAlternativeNames(namesValue),
    subjectKeyId:
      keyIdValue === undefined ? undefined : contentOf(readDer(keyIdValue), derTag.octetString, "key id"),
    isAuthority: readIsAuthority(extensions.get(objectIdentifier.basicConstraints)),
  };
}

/** What a peer's certificate says of it. */
export interface PeerNames {
  readonly uris: readonly string[];
  readonly pod?: PodReference;
}

/** Of a certificate as TLS handed it over; without any name when it can't be read. */
export function namesOfPeerCertificate(der: Uint8Array): PeerNames {
  try {
    const { names, subjectName } = readCertificate(der);
    const pod = readPodSubject(subjectName);
    return { uris: names.uris, ...(pod !== undefined && { pod }) };
  } catch (error) {
    if (error instanceof DerError) return { uris: [] };
    throw error;
  }
}

function readExtensions(element: DerElement | undefined): ReadonlyMap<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  if (element === undefined) return values;
  const [list] = childrenOf(element, contextConstructed(3), "extensions");
  for (const extension of childrenOf(list, derTag.sequence, "extensions")) {
    const parts = childrenOf(extension, derTag.sequence, "extension");
    const name = objectIdentifierOf(parts[0], "extension type");
    if (values.has(name)) throw new DerError("an extension stands twice");
    values.set(name, contentOf(parts.at(-1), derTag.octetString, "extension value"));
  }
  return values;
}

function readIsAuthority(value: Uint8Array | undefined): boolean {
  if (value === undefined) return false;
  const [isAuthority] = childrenOf(readDer(value), derTag.sequence, "basic constraints");
  return isAuthority?.tag === derTag.boolean && isAuthority.content[0] === 0xff;
}

const TIME = /^(\d{2,4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

function readTime(element: DerElement | undefined): number {
  const isUtcTime = element?.tag === derTag.utcTime;
  const content = contentOf(element, isUtcTime ? derTag.utcTime : derTag.generalizedTime, "time");
  const match = TIME.exec(Buffer.from(content).toString("latin1"));
  if (match === null || content.length !== (isUtcTime ? 13 : 15)) throw new DerError("a time is malformed");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  // RFC 5280, 4.1.2.5.1: two digits below 50 are of this century.
  const fullYear = isUtcTime ? year + (year < 50 ? 2000 : 1900) : year;
  return Date.UTC(fullYear, month - 1, day, hour, minute, second);
}
