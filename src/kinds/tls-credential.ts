// What a Secret holds for TLS. Envoy would wait for a certificate that it can't read, and hold up all others with it,
// so what can't be used is found here.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Secret } from "./secret.ts";

export type TlsCredential =
  | { readonly kind: "usable"; readonly chain: Uint8Array; readonly key: Uint8Array }
  /** Names of what it lacks, as Kubernetes' TLS Secrets spell them. */
  | { readonly kind: "incomplete"; readonly missing: readonly string[] }
  /** The end of a sentence about the Secret; holds nothing of the key. */
  | { readonly kind: "unfit"; readonly reason: string };

// Both spellings are Istio's: of Kubernetes' TLS Secrets, and of its own generic ones.
const CHAIN = ["tls.crt", "cert"] as const;
const KEY = ["tls.key", "key"] as const;
const AUTHORITY = ["ca.crt", "cacert"] as const;

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

export function tlsCredentialOf(secret: Secret): TlsCredential {
  const chain = bytesOf(secret, CHAIN);
  const key = bytesOf(secret, KEY);
  if (chain === undefined || key === undefined) {
    const missing = [...(chain === undefined ? [CHAIN[0]] : []), ...(key === undefined ? [KEY[0]] : [])];
    return { kind: "incomplete", missing };
  }
  const reason = faultOfPair(chain, key, { chain: CHAIN[0], key: KEY[0] });
  return reason === undefined ? { kind: "usable", chain, key } : { kind: "unfit", reason };
}

/** Ends the name of a CA's Secret; the name of the secret that Envoy asks for says by it that a CA is meant. */
export const AUTHORITY_SUFFIX = "-cacert";

/** Of a Secret so named Envoy would be given the CA where it asks for the certificate. */
export function canNameCertificate(secretName: string): boolean {
  return !secretName.endsWith(AUTHORITY_SUFFIX);
}

/** Undefined where there is none, or where it isn't certificates in PEM. */
export function authorityOf(secret: Secret | undefined): Uint8Array | undefined {
  const bytes = secret === undefined ? undefined : bytesOf(secret, AUTHORITY);
  return bytes === undefined || certificatesOf(bytes) === undefined ? undefined : bytes;
}

/** Why an Envoy would refuse the pair, as the end of a sentence; undefined where it wouldn't. */
export function faultOfPair(
  chain: Uint8Array,
  key: Uint8Array,
  names: { readonly chain: string; readonly key: string },
): string | undefined {
  const [leaf] = certificatesOf(chain) ?? [];
  if (leaf === undefined) return `${names.chain} isn't a certificate in PEM`;
  try {
    const privateKey = createPrivateKey(Buffer.from(key));
    if (!leaf.checkPrivateKey(privateKey))
      return `${names.key} isn't the key of the certificate in ${names.chain}`;
    const kind = refusedKey(privateKey);
    return kind === undefined
      ? undefined
      : `${names.key} is ${kind}, and Envoy takes RSA from 2048 bits and ECDSA`;
  } catch {
    // The cause may quote the key.
    return `${names.key} isn't an unencrypted private key in PEM`;
  }
}

const CURVES = new Set(["prime256v1", "secp384r1", "secp521r1"]);
const MIN_RSA_BITS = 2048;

/** What the key is, where Envoy refuses such keys. */
function refusedKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType === "rsa") {
    const { modulusLength = 0 } = asymmetricKeyDetails ?? {};
    return modulusLength < MIN_RSA_BITS ? `an RSA key of ${modulusLength} bits` : undefined;
  }
  if (asymmetricKeyType !== "ec") return `a key of type ${asymmetricKeyType}`;
  const { namedCurve = "" } = asymmetricKeyDetails ?? {};
  return CURVES.has(namedCurve) ? undefined : `a key on the curve ${namedCurve}`;
}

/** Undefined where one of them can't be read, or there is none. */
export function certificatesOf(bytes: Uint8Array): readonly X509Certificate[] | undefined {
  const blocks = Buffer.from(bytes).toString("latin1").match(CERTIFICATE_BLOCK);
  if (blocks === null) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function bytesOf(secret: Secret, names: readonly string[]): Uint8Array | undefined {
  for (const name of names) {
    const plain = secret.stringData?.[name];
    if (plain !== undefined) return new TextEncoder().encode(plain);
    const encoded = secret.data?.[name];
    if (encoded !== undefined) return new Uint8Array(Buffer.from(encoded, "base64"));
  }
  return undefined;
}
