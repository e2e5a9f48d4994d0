// What a Secret holds for TLS. Envoy would wait for a certificate that it can't read, and hold up all others with it,
// so what can't be used is found here.

import { createPrivateKey, X509Certificate } from "node:crypto";
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
  const reason = faultOfPair(chain, key);
  return reason === undefined ? { kind: "usable", chain, key } : { kind: "unfit", reason };
}

/** Undefined where there is none, or where it isn't certificates in PEM. */
export function authorityOf(secret: Secret | undefined): Uint8Array | undefined {
  const bytes = secret === undefined ? undefined : bytesOf(secret, AUTHORITY);
  return bytes === undefined || certificatesOf(bytes) === undefined ? undefined : bytes;
}

function faultOfPair(chain: Uint8Array, key: Uint8Array): string | undefined {
  const [leaf] = certificatesOf(chain) ?? [];
  if (leaf === undefined) return `${CHAIN[0]} isn't a certificate in PEM`;
  try {
    const isOfCertificate = leaf.checkPrivateKey(createPrivateKey(Buffer.from(key)));
    return isOfCertificate ? undefined : `${KEY[0]} isn't the key of the certificate in ${CHAIN[0]}`;
  } catch {
    // The cause may quote the key.
    return `${KEY[0]} isn't an unencrypted private key in PEM`;
  }
}

/** Undefined where one of them can't be read, or there is none. */
function certificatesOf(bytes: Uint8Array): readonly X509Certificate[] | undefined {
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
