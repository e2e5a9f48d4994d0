// Builds X.509 v3 certificates (RFC 5280): the CA's own root and the leaves of workloads. It decides nothing:
// names, times and key come from the caller.

import { createHash } from "node:crypto";
import { contextPrimitive } from "./der-tag.ts";
import {
  derBitString,
  derBoolean,
  derContext,
  derElement,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSet,
  derTime,
  derUnsignedInteger,
  derUtf8String,
} from "./der-writer.ts";
import { objectIdentifier } from "./object-identifier.ts";
import type { Signer } from "./signature-algorithm.ts";
import type { SubjectAlternativeNames } from "./subject-alternative-name.ts";
import { encodeSubjectAlternativeNames } from "./subject-alternative-name.ts";
import type { SubjectPublicKey } from "./subject-public-key.ts";

export interface CertificateFields {
  /** 16 random bytes. */
  readonly serial: Uint8Array;
  /** The issuer's Name in DER, byte for byte as in its own certificate. */
  readonly issuerName: Uint8Array;
  readonly issuerKeyId: Uint8Array;
  readonly subjectName: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: SubjectPublicKey;
  readonly usage:
    | { readonly kind: "authority" }
    | { readonly kind: "leaf"; readonly names: SubjectAlternativeNames };
}

/** The whole certificate in DER. */
export function buildCertificate(fields: CertificateFields, signer: Signer): Uint8Array {
  const body = derSequence(
    derContext(0, derUnsignedInteger(Uint8Array.of(2))),
    derUnsignedInteger(positiveSerial(fields.serial)),
    signer.algorithm,
    fields.issuerName,
    derSequence(derTime(fields.notBeforeMs), derTime(fields.notAfterMs)),
    fields.subjectName,
    fields.publicKey.der,
    derContext(3, derSequence(...buildExtensions(fields))),
  );
  return derSequence(body, signer.algorithm, derBitString(signer.sign(body)));
}

/** RFC 7093, section 2, method 1: the first 160 bits of the key's SHA-256. */
export function keyIdentifierOf(publicKey: SubjectPublicKey): Uint8Array {
  return createHash("sha256").update(publicKey.bits).digest().subarray(0, 20);
}

export const emptyName: Uint8Array = derSequence();

/** `O=…`, as Istio's CA names itself. */
export function organizationName(text: string): Uint8Array {
  const attribute = derSequence(derObjectIdentifier(objectIdentifier.organizationName), derUtf8String(text));
  return derSequence(derSet(attribute));
}

// RFC 5280, 4.1.2.2 wants a positive serial: the highest bit is cleared, and the next one set so that the
// length never tells of leading zeros.
function positiveSerial(random: Uint8Array): Uint8Array {
  const serial = Uint8Array.from(random);
  serial[0] = ((random[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function buildExtensions(fields: CertificateFields): Uint8Array[] {
  const { usage, publicKey } = fields;
  const keyIds = [
    extension(objectIdentifier.subjectKeyIdentifier, derOctetString(keyIdentifierOf(publicKey))),
    extension(
      objectIdentifier.authorityKeyIdentifier,
      derSequence(derElement(contextPrimitive(0), fields.issuerKeyId)),
    ),
  ];
  if (usage.kind === "authority") {
    const isAuthority = derSequence(derBoolean(true));
    return [
      criticalExtension(objectIdentifier.basicConstraints, isAuthority),
      criticalExtension(objectIdentifier.keyUsage, keyUsage.signCertificates),
      ...keyIds,
    ];
  }
  const purposes = [objectIdentifier.serverAuth, objectIdentifier.clientAuth].map(derObjectIdentifier);
  // RFC 5280, 4.2.1.6: names are critical where the subject is empty.
  const namesExtension = fields.subjectName.length === emptyName.length ? criticalExtension : extension;
  return [
    criticalExtension(
      objectIdentifier.keyUsage,
      publicKey.kind === "rsa" ? keyUsage.leafRsa : keyUsage.leafEc,
    ),
    extension(objectIdentifier.extendedKeyUsage, derSequence(...purposes)),
    criticalExtension(objectIdentifier.basicConstraints, derSequence()),
    ...keyIds,
    namesExtension(objectIdentifier.subjectAlternativeName, encodeSubjectAlternativeNames(usage.names)),
  ];
}

// Bits of RFC 5280, 4.2.1.3, first bit highest: 0 digitalSignature, 2 keyEncipherment, 5 keyCertSign, 6 cRLSign.
const keyUsage = {
  leafEc: derBitString(Uint8Array.of(0b1000_0000), 7),
  leafRsa: derBitString(Uint8Array.of(0b1010_0000), 5),
  signCertificates: derBitString(Uint8Array.of(0b0000_0110), 1),
} as const;

function extension(name: string, value: Uint8Array): Uint8Array {
  return derSequence(derObjectIdentifier(name), derOctetString(value));
}

function criticalExtension(name: string, value: Uint8Array): Uint8Array {
  return derSequence(derObjectIdentifier(name), derBoolean(true), derOctetString(value));
}
