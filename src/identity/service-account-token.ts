// ServiceAccount tokens of the local mode: ES256 JWTs with Kubernetes' claims, issued and verified with one
// persistent key. The algorithm is pinned; a token's own header never chooses how it is checked.

import type { KeyObject } from "node:crypto";
import { createHash, createPublicKey, randomUUID, sign, verify } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Redacted } from "../core/redacted.ts";
import { redacted } from "../core/redacted.ts";
import { type PodReference, parsePodReference } from "../core/stream-identity.ts";

export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod?: PodReference;
}

export interface TokenRequest extends TokenSubject {
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

export interface TokenIssuer {
  /** The `iss` claim. */
  readonly issuer: string;
  /** For whoever verifies with the key alone, such as a JWKS. */
  readonly publicKey: KeyObject;
  issueToken(request: TokenRequest): Redacted<string>;
  /** Checks signature, issuer, audience and times; says why not, without quoting the token. */
  verifyToken(token: string, audiences: readonly string[]): TokenResult;
}

export type TokenResult =
  | { readonly kind: "subject"; readonly subject: TokenSubject }
  | { readonly kind: "refused"; readonly reason: string };

export interface TokenIssuerOptions {
  readonly clock: Clock;
  readonly issuer: string;
}

const MAX_TOKEN_CHARACTERS = 16_384;

/** The key must be of P-256. */
export function createTokenIssuer(privateKey: KeyObject, { clock, issuer }: TokenIssuerOptions): TokenIssuer {
  const publicKey = createPublicKey(privateKey);
  const keyId = keyIdOf(publicKey);
  const header = encodeJson({ alg: "ES256", kid: keyId });
  return {
    issuer,
    publicKey,
    issueToken(request) {
      const body = `${header}.${encodeJson(claimsOf(request, issuer, nowSeconds(clock)))}`;
      const signature = sign("sha256", Buffer.from(body), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return redacted(`${body}.${signature.toString("base64url")}`);
    },
    verifyToken(token, audiences) {
      const signed = openToken(token, publicKey, keyId);
      if (typeof signed === "string") return { kind: "refused", reason: signed };
      const reason = findClaimFault(signed, { issuer, audiences, nowSeconds: nowSeconds(clock) });
      return reason === undefined ? subjectOf(signed) : { kind: "refused", reason };
    },
  };
}

function nowSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}

function claimsOf(request: TokenRequest, issuer: string, issuedAt: number): object {
  const { namespace, serviceAccount, pod } = request;
  return {
    aud: request.audiences,
    exp: issuedAt + request.expirationSeconds,
    iat: issuedAt,
    iss: issuer,
    jti: randomUUID(),
    "kubernetes.io": { namespace, ...(pod && { pod }), serviceaccount: { name: serviceAccount } },
    nbf: issuedAt,
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
  };
}

type Claims = Readonly<Record<string, unknown>>;

function openToken(token: string, publicKey: KeyObject, keyId: string): Claims | string {
  const [header = "", payload = "", signature = "", ...rest] =
    token.length > MAX_TOKEN_CHARACTERS ? [] : token.split(".");
  const isShaped = rest.length === 0 && [header, payload, signature].every((part) => /^[\w-]+$/.test(part));
  if (!isShaped) return "the token isn't three parts of base64url";
  const { alg, kid, crit } = decodeJson(header) ?? {};
  if (alg !== "ES256" || crit !== undefined) return "the token isn't signed with ES256";
  if (kid !== keyId) return "the token is signed with another key";
  const bytes = Buffer.from(signature, "base64url");
  const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
  if (!verify("sha256", Buffer.from(`${header}.${payload}`), key, bytes))
    return "the token's signature is wrong";
  return decodeJson(payload) ?? "the token's claims aren't an object";
}

interface ClaimExpectation {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly nowSeconds: number;
}

function findClaimFault(claims: Claims, expected: ClaimExpectation): string | undefined {
  const { iss, aud, exp, nbf } = claims;
  if (iss !== expected.issuer) return "the token is of another issuer";
  const audiences = Array.isArray(aud) ? aud : [aud];
  const isForUs = expected.audiences.some((audience) => audiences.includes(audience));
  if (!isForUs) return `the token isn't for ${expected.audiences.map((name) => `"${name}"`).join(" or ")}`;
  if (typeof exp !== "number" || exp <= expected.nowSeconds) return "the token has expired";
  if (typeof nbf !== "number" || nbf > expected.nowSeconds) return "the token isn't valid yet";
  return undefined;
}

function subjectOf(claims: Claims): TokenResult {
  const [system, kind, namespace = "", serviceAccount = "", ...rest] = String(claims.sub).split(":");
  const isServiceAccount = system === "system" && kind === "serviceaccount" && rest.length === 0;
  if (!isServiceAccount || namespace === "" || serviceAccount === "") {
    return { kind: "refused", reason: "the token isn't a ServiceAccount's" };
  }
  const pod = podOf(claims["kubernetes.io"]);
  return { kind: "subject", subject: { namespace, serviceAccount, ...(pod && { pod }) } };
}

function podOf(claim: unknown): PodReference | undefined {
  const pod = isObject(claim) ? claim.pod : undefined;
  return isObject(pod) ? parsePodReference(pod.name, pod.uid) : undefined;
}

function keyIdOf(publicKey: KeyObject): string {
  const spki = publicKey.export({ format: "der", type: "spki" });
  return createHash("sha256").update(spki).digest("base64url");
}

function encodeJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decodeJson(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
