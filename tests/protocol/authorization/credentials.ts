// Certificates and tokens of callers, made once for a test.

import { generateKeyPairSync, sign } from "node:crypto";
import { createTestRoot } from "../../support/certificates.ts";
import { type Call, identityText } from "./call.ts";

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Credentials {
  readonly root: string;
  readonly server: Certificate;
  /** Undefined for a caller without one. */
  certificateOf(identity: Call["identity"]): Certificate | undefined;
  tokenOf(claims: NonNullable<Call["claims"]>): string;
  /** Of the tokens' key. */
  readonly jwks: string;
}

export const IDENTITIES = [
  { trustDomain: "corp", namespace: "shop", serviceAccount: "web" },
  { trustDomain: "corp", namespace: "shop-dev", serviceAccount: "web" },
  { trustDomain: "corp", namespace: "admin", serviceAccount: "root.api" },
  { trustDomain: "old", namespace: "shop", serviceAccount: "web" },
  { trustDomain: "foreign", namespace: "shop", serviceAccount: "web" },
] as const;

export async function createCredentials(): Promise<Credentials> {
  const root = await createTestRoot("authorization");
  const certificates = new Map<string, Certificate>();
  for (const identity of IDENTITIES) {
    const text = identityText(identity);
    certificates.set(text, await root.issue(`spiffe://${text}`));
  }
  const other = await root.issue();
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    root: root.certificate,
    server: await root.issue(),
    certificateOf(identity) {
      if (identity === "none") return undefined;
      if (identity === "other") return other;
      const found = certificates.get(identityText(identity));
      if (found === undefined) throw new Error(`no certificate of ${identityText(identity)}`);
      return found;
    },
    tokenOf(claims) {
      const signed = `${part({ alg: "ES256", kid: "one" })}.${part({ ...claims, exp: 4102444800 })}`;
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
    jwks: JSON.stringify({ keys: [jwk] }),
  };
}
