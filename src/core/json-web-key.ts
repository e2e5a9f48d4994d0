// JSON Web Keys (RFC 7517) as far as Envoy verifies tokens by them. A set in which it finds no usable key it refuses whole.

import { createPublicKey, type JsonWebKey } from "node:crypto";

/** The `keys` of a JSON Web Key Set; undefined where the text is anything else. */
export function parseKeySet(text: string): readonly unknown[] | undefined {
  try {
    const { keys } = (JSON.parse(text) ?? {}) as { readonly keys?: unknown };
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

/** A public key that Envoy can verify by. */
export function isPublicKey(key: unknown): key is JsonWebKey {
  const { kty, crv, alg } = (key ?? {}) as JsonWebKey;
  const algorithms = typeof kty === "string" ? algorithmsOf(kty, crv) : undefined;
  if (algorithms === undefined || (alg !== undefined && !algorithms.test(String(alg)))) return false;
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: key as JsonWebKey, format: "jwk" });
    const { modulusLength = MIN_RSA_BITS } = asymmetricKeyDetails ?? {};
    return modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS;
  } catch {
    return false;
  }
}

/** A key that signs and verifies alike: whoever has it can make tokens. */
export function isSecretKey(key: unknown): boolean {
  const { kty, k, alg } = (key ?? {}) as JsonWebKey;
  return kty === "oct" && typeof k === "string" && k !== "" && (alg === undefined || /^HS/.test(String(alg)));
}

/** Holds what signs by a public key. */
export function isPrivateKey(key: unknown): boolean {
  return typeof key === "object" && key !== null && "kty" in key && key.kty !== "oct" && "d" in key;
}

const MIN_RSA_BITS = 1024;
const MAX_RSA_BITS = 16_384;

function algorithmsOf(kty: string, crv: unknown): RegExp | undefined {
  if (kty === "RSA") return /^(RS|PS)(256|384|512)$/;
  return kty === "EC" || kty === "OKP" ? algorithmByCurve.get(`${kty} ${String(crv)}`) : undefined;
}

const algorithmByCurve: ReadonlyMap<string, RegExp> = new Map([
  ["EC P-256", /^ES256$/],
  ["EC P-384", /^ES384$/],
  ["EC P-521", /^ES512$/],
  ["OKP Ed25519", /^EdDSA$/],
]);
