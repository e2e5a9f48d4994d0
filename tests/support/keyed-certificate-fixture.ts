// For tests: certificates with their keys, as Secrets hold them.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { systemClock } from "../../src/core/clock.ts";
import { buildRootFiles } from "../../src/identity/certificate-authority.ts";

export interface KeyedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Self-signed and fresh at each call. */
export function keyedCertificate(): KeyedCertificate {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const context = { clock: systemClock, randomBytes };
  const { certificatePem, keyPem } = buildRootFiles(privateKey, "cluster.local", context);
  return { certificatePem, keyPem: keyPem.reveal() };
}

/** `{ tls.crt: …, tls.key: … }` as JSON, to stand in YAML. */
export function tlsSecretData({ certificatePem, keyPem } = keyedCertificate()): string {
  return JSON.stringify({ "tls.crt": certificatePem, "tls.key": keyPem });
}
