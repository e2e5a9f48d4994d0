// What a rule of a RequestAuthentication makes of a token, in the order in which Envoy looks: form, issuer, time, audience,
// key, signature. It keeps nothing of the token.

import type { JsonWebKey } from "node:crypto";
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK, type JWK, type JWTPayload } from "jose";
import { parseKeySet } from "../../core/json-web-key.ts";
import type { JwtRule } from "../../kinds/request-authentication.ts";

export type Verdict =
  | { readonly kind: "takes"; readonly reason: string }
  /** It isn't this rule's to judge: the token is another issuer's. */
  | { readonly kind: "passes"; readonly reason: string }
  | { readonly kind: "refuses"; readonly reason: string };

export interface ReadToken {
  readonly text: string;
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly claims: JWTPayload;
}

/** Undefined where it isn't a JSON Web Token. */
export function readToken(text: string): ReadToken | undefined {
  try {
    const { alg = "none", kid } = decodeProtectedHeader(text);
    return { text, algorithm: alg, keyId: kid, claims: decodeJwt(text) };
  } catch {
    return undefined;
  }
}

/** `jwks`: the rule's keys, its own or fetched ones; undefined where there are none. */
export async function judgeToken(
  token: ReadToken,
  rule: JwtRule,
  { jwks, nowMs }: { readonly jwks: string | undefined; readonly nowMs: number },
): Promise<Verdict> {
  const { claims } = token;
  const { issuer = "" } = rule;
  if (issuer !== "" && claims.iss !== issuer) {
    const found = claims.iss === undefined ? "none" : `"${claims.iss}"`;
    return { kind: "passes", reason: `it is for issuer "${issuer}", and the token's is ${found}` };
  }
  const reason =
    faultOfTime(claims, nowMs) ??
    faultOfAudience(claims, rule.audiences ?? []) ??
    (await faultOfKey(token, jwks));
  return reason === undefined
    ? {
        kind: "takes",
        reason: `signed by ${token.keyId === undefined ? "one of the issuer's keys" : `key "${token.keyId}"`}`,
      }
    : { kind: "refuses", reason };
}

/** Envoy allows for clocks that differ. */
const CLOCK_SKEW_SECONDS = 60;

function faultOfTime({ exp, nbf }: JWTPayload, nowMs: number): string | undefined {
  const now = nowMs / 1000;
  if (exp !== undefined && now > exp + CLOCK_SKEW_SECONDS) return `it expired at ${timeText(exp)}`;
  if (nbf !== undefined && now < nbf - CLOCK_SKEW_SECONDS) return `it isn't valid before ${timeText(nbf)}`;
  return undefined;
}

export function timeText(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString();
}

function faultOfAudience({ aud = [] }: JWTPayload, wanted: readonly string[]): string | undefined {
  if (wanted.length === 0) return undefined;
  const found = typeof aud === "string" ? [aud] : aud;
  if (found.some((each) => wanted.some((other) => bareAudience(other) === bareAudience(each))))
    return undefined;
  return `it is for audience ${quotedList(found)}, wanted ${quotedList(wanted)}`;
}

/** To Envoy an audience with and without scheme and a slash at its end are one. */
function bareAudience(audience: string): string {
  return audience.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

function quotedList(texts: readonly string[]): string {
  return texts.length === 0 ? "none" : texts.map((text) => `"${text}"`).join(", ");
}

async function faultOfKey(token: ReadToken, jwks: string | undefined): Promise<string | undefined> {
  if (jwks === undefined || jwks === "") return "there are no keys of its issuer yet";
  const keys = (parseKeySet(jwks) ?? []) as readonly JsonWebKey[];
  const fitting = keys.filter((key) => fits(key, token));
  if (fitting.length === 0) return noKey(token, keys);
  for (const key of fitting) if (await isSignedBy(token, key)) return undefined;
  return "its signature is wrong";
}

function noKey({ algorithm, keyId }: ReadToken, keys: readonly JsonWebKey[]): string {
  const ids = keys.flatMap(({ kid }) => (typeof kid === "string" ? [kid] : []));
  const named = keyId === undefined ? "" : ` and id "${keyId}"`;
  return `no key of the issuer fits algorithm ${algorithm}${named}; it has ${quotedList(ids)}`;
}

function fits(key: JsonWebKey, { algorithm, keyId }: ReadToken): boolean {
  const { kid, alg, kty = "" } = key;
  if (kid !== undefined && keyId !== undefined && kid !== keyId) return false;
  return (alg === undefined || alg === algorithm) && typeOfAlgorithm(algorithm) === kty;
}

function typeOfAlgorithm(algorithm: string): string | undefined {
  if (algorithm === "EdDSA") return "OKP";
  return { RS: "RSA", PS: "RSA", ES: "EC", HS: "oct" }[algorithm.slice(0, 2)];
}

async function isSignedBy({ text, algorithm }: ReadToken, jwk: JsonWebKey): Promise<boolean> {
  try {
    await compactVerify(text, await importJWK(jwk as JWK, algorithm), { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}
