// PKCS#10 certificate requests (RFC 2986): built by agents, parsed strictly by the CA from untrusted text.
// What a request asks for is only ever compared: identity comes from the authenticated caller.

import type { KeyObject } from "node:crypto";
import { createPublicKey } from "node:crypto";
import type { DerElement } from "./der-reader.ts";
import { bitStringOf, childrenOf, contentOf, DerError, objectIdentifierOf, readDer } from "./der-reader.ts";
import { contextConstructed, derTag } from "./der-tag.ts";
import {
  derBitString,
  derBoolean,
  derContext,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSet,
  derUnsignedInteger,
} from "./der-writer.ts";
import { objectIdentifier } from "./object-identifier.ts";
import { decodePem, encodePem } from "./pem.ts";
import { signerOf, verifySignature } from "./signature-algorithm.ts";
import type { SubjectAlternativeNames } from "./subject-alternative-name.ts";
import { encodeSubjectAlternativeNames, readSubjectAlternativeNames } from "./subject-alternative-name.ts";
import type { SubjectPublicKey } from "./subject-public-key.ts";
import { readSubjectPublicKey } from "./subject-public-key.ts";

export interface CertificateRequest {
  readonly publicKey: SubjectPublicKey;
  /** What the requester would like to be called; undefined where it says nothing. */
  readonly requestedNames: SubjectAlternativeNames | undefined;
}

export type CertificateRequestResult =
  | { readonly kind: "request"; readonly request: CertificateRequest }
  | { readonly kind: "refused"; readonly reason: string };

const MAX_PEM_CHARACTERS = 16_384;

/** Parses one PEM block and verifies its signature. Never throws for bad text; bytes after the block are ignored. */
export function parseCertificateRequest(pem: string): CertificateRequestResult {
  if (pem.length > MAX_PEM_CHARACTERS) return refused(`longer than ${MAX_PEM_CHARACTERS} characters`);
  const [der, ...rest] = decodePem("CERTIFICATE REQUEST", pem);
  if (der === undefined || rest.length > 0) return refused("not one PEM block CERTIFICATE REQUEST");
  try {
    return { kind: "request", request: readRequest(der) };
  } catch (error) {
    if (error instanceof DerError) return refused(error.message);
    throw error;
  }
}

function refused(reason: string): CertificateRequestResult {
  return { kind: "refused", reason };
}

function readRequest(der: Uint8Array): CertificateRequest {
  const [info, algorithm, signature, ...rest] = childrenOf(readDer(der), derTag.sequence, "request");
  const [version, subject, key, attributes, ...more] = childrenOf(info, derTag.sequence, "request info");
  if (info === undefined || rest.length > 0 || more.length > 0)
    throw new DerError("the request has extra elements");
  const versionBytes = contentOf(version, derTag.integer, "version");
  if (versionBytes.length !== 1 || versionBytes[0] !== 0) throw new DerError("the version isn't 1");
  childrenOf(subject, derTag.sequence, "subject");
  const publicKey = readSubjectPublicKey(key);
  const signed = { algorithm, signature: bitStringOf(signature, "signature"), bytes: info.bytes };
  if (!verifySignature(publicKey.key, signed)) throw new DerError("the signature is wrong");
  return { publicKey, requestedNames: readRequestedNames(attributes) };
}

// RFC 2986, 4.1: [0] IMPLICIT SET OF Attribute; RFC 2985, 5.4.2: extensionRequest holds one Extensions.
function readRequestedNames(attributes: DerElement | undefined): SubjectAlternativeNames | undefined {
  if (attributes === undefined) return undefined;
  let names: SubjectAlternativeNames | undefined;
  for (const attribute of childrenOf(attributes, contextConstructed(0), "attributes")) {
    const [type, values, ...rest] = childrenOf(attribute, derTag.sequence, "attribute");
    if (rest.length > 0) throw new DerError("an attribute has extra elements");
    if (objectIdentifierOf(type, "attribute type") !== objectIdentifier.extensionRequest) continue;
    const [extensions, ...others] = childrenOf(values, derTag.set, "extension request");
    if (others.length > 0 || names !== undefined)
      throw new DerError("there is more than one extension request");
    names = readNamesExtension(extensions);
  }
  return names;
}

function readNamesExtension(extensions: DerElement | undefined): SubjectAlternativeNames | undefined {
  let names: SubjectAlternativeNames | undefined;
  for (const extension of childrenOf(extensions, derTag.sequence, "extensions")) {
    const parts = childrenOf(extension, derTag.sequence, "extension");
    if (parts.length < 2 || parts.length > 3) throw new DerError("an extension has a bad number of elements");
    if (parts.length === 3 && parts[1]?.tag !== derTag.boolean)
      throw new DerError("criticality isn't a boolean");
    if (objectIdentifierOf(parts[0], "extension type") !== objectIdentifier.subjectAlternativeName) continue;
    if (names !== undefined) throw new DerError("there is more than one list of names");
    names = readSubjectAlternativeNames(contentOf(parts.at(-1), derTag.octetString, "extension value"));
  }
  return names;
}

/** A request with an empty subject and these names, signed by its own key. */
export function buildCertificateRequest(privateKey: KeyObject, names: SubjectAlternativeNames): string {
  const signer = signerOf(privateKey);
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const extension = derSequence(
    derObjectIdentifier(objectIdentifier.subjectAlternativeName),
    derBoolean(true),
    derOctetString(encodeSubjectAlternativeNames(names)),
  );
  const attribute = derSequence(
    derObjectIdentifier(objectIdentifier.extensionRequest),
    derSet(derSequence(extension)),
  );
  const version = derUnsignedInteger(Uint8Array.of(0));
  const info = derSequence(version, derSequence(), publicKey, derContext(0, attribute));
  return encodePem(
    "CERTIFICATE REQUEST",
    derSequence(info, signer.algorithm, derBitString(signer.sign(info))),
  );
}
