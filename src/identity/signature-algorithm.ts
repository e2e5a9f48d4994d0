// Which signature algorithms Meltemi verifies and makes: ECDSA and RSA PKCS#1 v1.5, each with SHA-2 alone.

import type { KeyObject } from "node:crypto";
import { sign, verify } from "node:crypto";
import type { DerElement } from "./der-reader.ts";
import { childrenOf, contentOf, DerError, objectIdentifierOf } from "./der-reader.ts";
import { derTag } from "./der-tag.ts";
import { derNull, derObjectIdentifier, derSequence } from "./der-writer.ts";
import { objectIdentifier } from "./object-identifier.ts";

interface SignatureAlgorithm {
  readonly keyKind: "ec" | "rsa";
  readonly hash: "sha256" | "sha384" | "sha512";
}

const algorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  [objectIdentifier.ecdsaWithSha256]: { keyKind: "ec", hash: "sha256" },
  [objectIdentifier.ecdsaWithSha384]: { keyKind: "ec", hash: "sha384" },
  [objectIdentifier.ecdsaWithSha512]: { keyKind: "ec", hash: "sha512" },
  [objectIdentifier.sha256WithRsa]: { keyKind: "rsa", hash: "sha256" },
  [objectIdentifier.sha384WithRsa]: { keyKind: "rsa", hash: "sha384" },
  [objectIdentifier.sha512WithRsa]: { keyKind: "rsa", hash: "sha512" },
};

export interface SignedBytes {
  readonly algorithm: DerElement | undefined;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Throws DerError when the algorithm is unknown or doesn't fit the key; false when the signature is wrong. */
export function verifySignature(key: KeyObject, signed: SignedBytes): boolean {
  const [name, parameters, ...rest] = childrenOf(signed.algorithm, derTag.sequence, "signature algorithm");
  const algorithm = algorithms[objectIdentifierOf(name, "signature algorithm")];
  if (algorithm === undefined) throw new DerError("the signature algorithm isn't ECDSA or RSA with SHA-2");
  if (algorithm.keyKind !== key.asymmetricKeyType) throw new DerError("the signature doesn't fit the key");
  // RFC 5758, 3.2: no parameters with ECDSA. RFC 4055, 5: NULL with RSA.
  const isNull = parameters !== undefined && contentOf(parameters, derTag.null, "parameters").length === 0;
  if (rest.length > 0 || isNull !== (algorithm.keyKind === "rsa"))
    throw new DerError("bad signature parameters");
  return verify(algorithm.hash, signed.bytes, key, signed.signature);
}

/** Its AlgorithmIdentifier in DER, and the function that signs with it. */
export interface Signer {
  readonly algorithm: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/** Throws for keys other than P-256, P-384 and RSA. */
export function signerOf(privateKey: KeyObject): Signer {
  const { name, hash } = signatureFor(privateKey);
  const parameters = privateKey.asymmetricKeyType === "rsa" ? [derNull()] : [];
  return {
    algorithm: derSequence(derObjectIdentifier(name), ...parameters),
    sign: (bytes) => sign(hash, bytes, privateKey),
  };
}

function signatureFor(key: KeyObject): { name: string; hash: string } {
  if (key.asymmetricKeyType === "rsa") return { name: objectIdentifier.sha256WithRsa, hash: "sha256" };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "prime256v1") return { name: objectIdentifier.ecdsaWithSha256, hash: "sha256" };
  if (curve === "secp384r1") return { name: objectIdentifier.ecdsaWithSha384, hash: "sha384" };
  throw new Error(`Cannot sign with a key of type ${key.asymmetricKeyType} ${curve ?? ""}`);
}
