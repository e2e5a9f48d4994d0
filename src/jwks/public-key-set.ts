// A JSON Web Key Set as it is handed on: the public keys of the document that was fetched and nothing else, in an order
// of their own, so that the same keys are the same bytes however they were written.

import type { JsonWebKey } from "node:crypto";
import { isPublicKey, parseKeySet } from "../core/json-web-key.ts";

/** Members of RFC 7517 and 7518 that verify; a private key's others never go further. */
const publicMembers = ["kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y"] as const;
const MAX_BYTES = 64 * 1024;

export type ParsedKeySet =
  | { readonly kind: "keys"; readonly jwks: string }
  | { readonly kind: "unusable"; readonly reason: string };

/** Symmetric keys are passed over: at a URL they would let each of its readers sign. */
export function parsePublicKeySet(text: string): ParsedKeySet {
  const keys = parseKeySet(text);
  if (keys === undefined) return { kind: "unusable", reason: "the answer isn't a JSON Web Key Set" };
  // Each key is checked by arithmetic: a document holds no more than would be handed on.
  if (keys.length > MAX_KEYS)
    return { kind: "unusable", reason: `the answer holds more than ${MAX_KEYS} keys` };
  const usable = keys.filter(isPublicKey).map(publicKey);
  if (usable.length === 0)
    return { kind: "unusable", reason: "the answer holds no public key that Envoy can verify by" };
  const jwks = `{"keys":[${[...new Set(usable)].sort().join(",")}]}`;
  if (jwks.length > MAX_BYTES)
    return { kind: "unusable", reason: `the keys take more than ${MAX_BYTES / 1024} KiB` };
  return { kind: "keys", jwks };
}

const MAX_KEYS = 100;

/** As JSON, with members in one order. */
function publicKey(key: JsonWebKey): string {
  return JSON.stringify(
    Object.fromEntries(publicMembers.flatMap((name) => (name in key ? [[name, key[name]]] : []))),
  );
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
