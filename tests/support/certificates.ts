// Certificates for tests: a root and leaves signed by it, made with an X.509 library that the product doesn't use.

import { createPrivateKey, webcrypto } from "node:crypto";
import type { JsonGeneralName, X509Certificate } from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export interface TestRoot {
  readonly certificate: string;
  /** A leaf with DNS name `localhost` and, if given, a URI; valid for a year from now unless it says until when. */
  issue(uri?: string, validity?: { notBefore: Date; notAfter: Date }): Promise<TestCertificate>;
}

/** In PEM. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

export async function createTestRoot(name: string): Promise<TestRoot> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return testRoot(root, keys.privateKey);
}

/** Of a CA that is there already, with a P-256 key. */
export async function openTestRoot({ certificate, key }: TestCertificate): Promise<TestRoot> {
  const x509 = await loadX509();
  const pkcs8 = createPrivateKey(key).export({ format: "der", type: "pkcs8" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  return testRoot(new x509.X509Certificate(certificate), signingKey);
}

async function testRoot(root: X509Certificate, signingKey: webcrypto.CryptoKey): Promise<TestRoot> {
  const x509 = await loadX509();
  return {
    certificate: root.toString("pem"),
    async issue(uri, validity) {
      const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const names: JsonGeneralName[] = [{ type: "dns", value: "localhost" }];
      if (uri !== undefined) names.push({ type: "url", value: uri });
      const leaf = await x509.X509CertificateGenerator.create({
        subject: "CN=leaf",
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey,
        ...validity,
        signingAlgorithm: algorithm,
        extensions: [new x509.SubjectAlternativeNameExtension(names)],
      });
      const key = await webcrypto.subtle.exportKey("pkcs8", leafKeys.privateKey);
      return {
        certificate: leaf.toString("pem"),
        key: x509.PemConverter.encode(key, "PRIVATE KEY"),
      };
    },
  };
}

/** The library's container of plug-ins wants reflection functions at import, and never gets an answer from them. */
function loadX509() {
  const reflection = {
    getMetadata: () => undefined,
    getOwnMetadata: () => undefined,
    defineMetadata: () => undefined,
    metadata: () => () => undefined,
    hasOwnMetadata: () => false,
  };
  if (!("getMetadata" in Reflect)) Object.assign(Reflect, reflection);
  return import("@peculiar/x509");
}
