// Which Secrets can be served to an Envoy.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keyedCertificate } from "../../tests/support/keyed-certificate-fixture.ts";
import type { Secret } from "./secret.ts";
import { authorityOf, tlsCredentialOf } from "./tls-credential.ts";

function secret(stringData: Record<string, string>): Secret {
  return { apiVersion: "v1", kind: "Secret", metadata: { name: "web", namespace: "shop" }, stringData };
}

const { certificatePem, keyPem } = keyedCertificate();

test("tlsCredentialOf() takes Kubernetes' names and Istio's own", () => {
  const ofKubernetes = secret({ "tls.crt": certificatePem, "tls.key": keyPem });
  const ofIstio = secret({ cert: certificatePem, key: keyPem });
  assert.equal(tlsCredentialOf(ofKubernetes).kind, "usable");
  assert.equal(tlsCredentialOf(ofIstio).kind, "usable");
});

test("tlsCredentialOf() reads base64 data", () => {
  const data = {
    "tls.crt": Buffer.from(certificatePem).toString("base64"),
    "tls.key": Buffer.from(keyPem).toString("base64"),
  };
  assert.equal(tlsCredentialOf({ ...secret({}), data }).kind, "usable");
});

test("tlsCredentialOf() names what is missing", () => {
  const found = tlsCredentialOf(secret({ "tls.crt": certificatePem }));
  assert.deepEqual(found, { kind: "incomplete", missing: ["tls.key"] });
});

test("tlsCredentialOf() finds text that is no certificate, and a key that is another's or none", () => {
  const reasonOf = (stringData: Record<string, string>) => {
    const found = tlsCredentialOf(secret(stringData));
    return found.kind === "unfit" ? found.reason : found.kind;
  };
  const other = keyedCertificate().keyPem;
  assert.equal(reasonOf({ "tls.crt": "nothing", "tls.key": keyPem }), "tls.crt isn't a certificate in PEM");
  assert.equal(
    reasonOf({ "tls.crt": certificatePem, "tls.key": other }),
    "tls.key isn't the key of the certificate in tls.crt",
  );
  assert.equal(
    reasonOf({ "tls.crt": certificatePem, "tls.key": "s3cret" }),
    "tls.key isn't an unencrypted private key in PEM",
  );
});

test("tlsCredentialOf() finds keys that Envoy refuses", () => {
  const reasonOf = (...options: readonly string[]) => {
    const directory = mkdtempSync(join(tmpdir(), "meltemi-key-"));
    const [key, certificate] = [join(directory, "key"), join(directory, "certificate")];
    const self = ["-x509", "-nodes", "-subj", "/CN=web", "-keyout", key, "-out", certificate];
    execFileSync("openssl", ["req", ...self, "-newkey", ...options], { stdio: "pipe" });
    const [crt, pem] = [readFileSync(certificate, "utf8"), readFileSync(key, "utf8")];
    rmSync(directory, { recursive: true });
    const found = tlsCredentialOf(secret({ "tls.crt": crt, "tls.key": pem }));
    return found.kind === "unfit" ? found.reason : found.kind;
  };
  const wanted = "and Envoy takes RSA from 2048 bits and ECDSA";
  assert.equal(reasonOf("rsa:1024"), `tls.key is an RSA key of 1024 bits, ${wanted}`);
  assert.equal(
    reasonOf("ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
    `tls.key is a key on the curve secp256k1, ${wanted}`,
  );
  assert.equal(reasonOf("ed25519"), `tls.key is a key of type ed25519, ${wanted}`);
  assert.equal(reasonOf("rsa:2048"), "usable");
  assert.equal(reasonOf("ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"), "usable");
});

test("authorityOf() gives certificates only", () => {
  assert.ok(authorityOf(secret({ "ca.crt": certificatePem })));
  assert.equal(authorityOf(secret({ "ca.crt": "nothing" })), undefined);
  assert.equal(authorityOf(undefined), undefined);
});
