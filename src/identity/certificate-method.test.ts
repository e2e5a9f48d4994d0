import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from "../gen/security/v1alpha1/ca_pb.ts";
import { createCertificateAuthenticator } from "./authenticator.ts";
import { buildRootFiles, createCertificateAuthority } from "./certificate-authority.ts";
import type { CertificateCall } from "./certificate-method.ts";
import { createCertificateMethod, credentialsOf } from "./certificate-method.ts";
import { buildCertificateRequest } from "./certificate-request.ts";
import { createCertificateService } from "./certificate-service.ts";
import { readDer } from "./der-reader.ts";
import { readSubjectPublicKey } from "./subject-public-key.ts";

const names = { uris: ["spiffe://cluster.local/ns/shop/sa/reviews"], dnsNames: [], ipAddresses: [] };
const context = { clock: new ManualClock(Date.now()), randomBytes };
const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const built = createCertificateAuthority(buildRootFiles(newKey(), "cluster.local", context), context);
assert.ok(built.kind === "authority");
const { authority } = built;
const authenticator = createCertificateAuthenticator(["cluster.local"]);
const service = createCertificateService(authority, { authenticator, log: silentLogger });
const method = createCertificateMethod(service, (status, message) => new Error(`${status}: ${message}`));

function callOf(certificate?: { raw: Uint8Array }, authorization?: string): CertificateCall {
  return {
    peer: { certificate },
    metadata: (name) => (name === "authorization" ? authorization : undefined),
  };
}

function existingCertificate(): X509Certificate {
  const spki = createPublicKey(newKey()).export({ format: "der", type: "spki" });
  const publicKey = readSubjectPublicKey(readDer(spki));
  return new X509Certificate(authority.issue({ publicKey, names, ttlMs: 3_600_000 })[0] ?? "");
}

function requestBytes(): Uint8Array {
  const csr = buildCertificateRequest(newKey(), names);
  return toBinary(IstioCertificateRequestSchema, create(IstioCertificateRequestSchema, { csr }));
}

test("createCertificateMethod() signs anew for the holder of a verified certificate", async () => {
  const [bytes] = await method.handle(requestBytes(), callOf(existingCertificate()));
  const { certChain } = fromBinary(IstioCertificateResponseSchema, bytes ?? new Uint8Array());
  assert.equal(new X509Certificate(certChain[0] ?? "").subjectAltName, `URI:${names.uris[0]}`);
});

test("createCertificateMethod() throws the transport's own refusals", async () => {
  await assert.rejects(method.handle(requestBytes(), callOf()), /^Error: UNAUTHENTICATED: /);
  const garbage = Buffer.from("ff", "hex");
  await assert.rejects(method.handle(garbage, callOf(existingCertificate())), /^Error: INVALID_ARGUMENT: /);
});

test("credentialsOf() takes a bearer token and nothing that looks different", () => {
  assert.equal(credentialsOf(callOf(undefined, "Bearer a.b-_c")).bearerToken?.reveal(), "a.b-_c");
  for (const header of ["a.b.c", "Basic abc", "Bearer ", "Bearer a b", "bearer a"]) {
    assert.equal(credentialsOf(callOf(undefined, header)).bearerToken, undefined);
  }
});
