// A signed token in its compact form (RFC 7519), as Envoy reads and verifies it. It is kept nowhere.

import {
  constants,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { parseKeySet } from "../core/json-web-key.ts";

export type Claims = Readonly<Record<string, unknown>>;

export interface WebToken {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly claims: Claims;
  /** As it is in the token: base64url. */
  readonly payload: string;
  readonly signedText: string;
  readonly signature: Buffer;
}

/** A sentence's end that says what is wrong where the text is no token. */
export function parseWebToken(text: string): WebToken | string {
  const [header = "", payload = "", signature = "", ...rest] = text.split(".");
  if (rest.length > 0 || signature === "") return "isn't of the form HEADER.PAYLOAD.SIGNATURE";
  const head = jsonObject(header);
  const claims = jsonObject(payload);
  if (head === undefined || claims === undefined) return "isn't JSON in base64url";
  const { alg, kid } = head;
  if (typeof alg !== "string" || !ALGORITHM.test(alg)) {
    return `is signed by the algorithm ${JSON.stringify(alg)}, which Envoy doesn't take`;
  }
  return {
    algorithm: alg,
    keyId: typeof kid === "string" ? kid : undefined,
    claims,
    payload,
    signedText: `${header}.${payload}`,
    signature: Buffer.from(signature, "base64url"),
  };
}

const ALGORITHM = /^(?:(?:RS|PS|ES|HS)(?:256|384|512)|EdDSA)$/;

function jsonObject(part: string): Claims | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with the signature, as a sentence's end; undefined where a key of the set verifies it. */
export function signatureFault(token: WebToken, keySet: string): string | undefined {
  const fitting = (parseKeySet(keySet) ?? []).filter((key) => fits(key as JsonWebKey, token));
  if (fitting.length === 0) {
    const named = token.keyId === undefined ? "" : ` and key id "${token.keyId}"`;
    return `is signed by a key that the issuer's key set doesn't have (algorithm ${token.algorithm}${named})`;
  }
  return fitting.some((key) => verifies(key as JsonWebKey, token))
    ? undefined
    : "has a signature that no key of its issuer verifies";
}

function fits(key: JsonWebKey, { algorithm, keyId }: WebToken): boolean {
  if (keyId !== undefined && typeof key.kid === "string" && key.kid !== "" && key.kid !== keyId) return false;
  if (typeof key.alg === "string" && key.alg !== "" && key.alg !== algorithm) return false;
  return key.kty === keyTypes[algorithm.slice(0, 2)];
}

const keyTypes: Readonly<Record<string, string>> = { RS: "RSA", PS: "RSA", ES: "EC", HS: "oct", Ed: "OKP" };

function verifies(key: JsonWebKey, { algorithm, signedText, signature }: WebToken): boolean {
  const hash = `sha${algorithm.slice(2)}`;
  const data = Buffer.from(signedText);
  try {
    if (algorithm.startsWith("HS")) {
      const expected = createHmac(hash, Buffer.from(String(key.k), "base64url"))
        .update(data)
        .digest();
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    }
    const publicKey = createPublicKey({ key, format: "jwk" });
    if (algorithm === "EdDSA") return verify(null, data, publicKey, signature);
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
    if (algorithm.startsWith("PS"))
      return verify(hash, data, { key: publicKey, padding, saltLength }, signature);
    if (algorithm.startsWith("RS")) return verify(hash, data, publicKey, signature);
    return verify(hash, data, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
  } catch {
    // A key that OpenSSL can't read verifies nothing, in Envoy neither.
    return false;
  }
}
