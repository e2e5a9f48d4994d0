// SubjectPublicKeyInfo from untrusted bytes: P-256, P-384 or RSA of at least 2048 bits, and nothing else.

import type { KeyObject } from "node:crypto";
import { createPublicKey } from "node:crypto";
import type { DerElement } from "./der-reader.ts";
import {
  bitStringOf,
  childrenOf,
  contentOf,
  DerError,
  objectIdentifierOf,
  readDer,
  unsignedIntegerOf,
} from "./der-reader.ts";
import { derTag } from "./der-tag.ts";
import { objectIdentifier } from "./object-identifier.ts";

export interface SubjectPublicKey {
  readonly key: KeyObject;
  readonly kind: "ec" | "rsa";
  /** The whole SubjectPublicKeyInfo, to be copied into a certificate. */
  readonly der: Uint8Array;
  /** The bit string inside, which key identifiers are made of. */
  readonly bits: Uint8Array;
}

const MIN_RSA_BITS = 2048;
// Above this, verifying one signature takes long enough to be a weapon.
const MAX_RSA_BITS = 8192;
const UNCOMPRESSED_POINT = 4;
const curveBytes: Readonly<Record<string, number>> = {
  [objectIdentifier.curveP256]: 32,
  [objectIdentifier.curveP384]: 48,
};

/** Throws DerError. */
export function readSubjectPublicKey(element: DerElement | undefined): SubjectPublicKey {
  const [algorithm, bitString, ...rest] = childrenOf(element, derTag.sequence, "public key");
  if (element === undefined || rest.length > 0) throw new DerError("the public key has extra elements");
  const bits = bitStringOf(bitString, "public key bits");
  const [name, parameters, ...more] = childrenOf(algorithm, derTag.sequence, "public key algorithm");
  if (more.length > 0) throw new DerError("the public key algorithm has extra elements");
  const algorithmId = objectIdentifierOf(name, "public key algorithm");
  const kind = checkKey(algorithmId, parameters, bits);
  return { key: createKey(element.bytes), kind, der: element.bytes, bits };
}

function checkKey(algorithmId: string, parameters: DerElement | undefined, bits: Uint8Array): "ec" | "rsa" {
  if (algorithmId === objectIdentifier.ecPublicKey) {
    const size = curveBytes[objectIdentifierOf(parameters, "curve")];
    if (size === undefined) throw new DerError("the curve isn't P-256 or P-384");
    const isPoint = bits.length === 1 + 2 * size && bits[0] === UNCOMPRESSED_POINT;
    if (!isPoint) throw new DerError("the public key isn't an uncompressed point of its curve");
    return "ec";
  }
  if (algorithmId !== objectIdentifier.rsaEncryption) throw new DerError("the public key isn't EC or RSA");
  if (contentOf(parameters, derTag.null, "RSA parameters").length > 0) throw new DerError("NULL isn't empty");
  const [modulus, exponent, ...rest] = childrenOf(readDer(bits), derTag.sequence, "RSA public key");
  if (rest.length > 0) throw new DerError("the RSA public key has extra elements");
  checkRsa(unsignedIntegerOf(modulus, "RSA modulus"), unsignedIntegerOf(exponent, "RSA exponent"));
  return "rsa";
}

function checkRsa(modulus: Uint8Array, exponent: Uint8Array): void {
  const modulusBits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (modulusBits < MIN_RSA_BITS)
    throw new DerError(`the RSA key has ${modulusBits} bits, not ${MIN_RSA_BITS}`);
  if (modulusBits > MAX_RSA_BITS) throw new DerError(`the RSA key has more than ${MAX_RSA_BITS} bits`);
  const isOdd = ((exponent.at(-1) ?? 0) & 1) === 1;
  const isOne = exponent.length === 1 && exponent[0] === 1;
  if (!isOdd || isOne || exponent.length > 4) throw new DerError("the RSA exponent isn't a small odd number");
}

function createKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    // OpenSSL's own checks, such as the point being on its curve.
    throw new DerError("the public key isn't valid", { cause });
  }
}
