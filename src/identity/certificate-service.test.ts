import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { create } from "@bufbuild/protobuf";
import { loadX509Oracle } from "../../tests/support/x509-oracle.ts";
import { ManualClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { redacted } from "../core/redacted.ts";
import { IstioCertificateRequestSchema } from "../gen/security/v1alpha1/ca_pb.ts";
import type { Credentials } from "./authenticator.ts";
import {
  createCertificateAuthenticator,
  createTokenAuthenticator,
  firstAuthenticatorOf,
} from "./authenticator.ts";
import { namesOfPeerCertificate } from "./certificate.ts";
import { buildRootFiles, createCertificateAuthority } from "./certificate-authority.ts";
import { buildCertificateRequest } from "./certificate-request.ts";
import { createCertificateService } from "./certificate-service.ts";
import { createTokenIssuer } from "./service-account-token.ts";

const DAY_MS = 24 * 3_600_000;
const clock = new ManualClock(Date.UTC(2030, 0, 1));
const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const context = { clock, randomBytes };
const built = createCertificateAuthority(buildRootFiles(newKey(), "cluster.local", context), context);
assert.ok(built.kind === "authority");
const issuer = createTokenIssuer(newKey(), { clock, issuer: "https://kubernetes.default.svc" });
const authenticator = firstAuthenticatorOf([
  createTokenAuthenticator(issuer, { trustDomain: "cluster.local", audiences: ["istio-ca"] }),
  createCertificateAuthenticator(["cluster.local"]),
]);
const logged: string[] = [];
const record = (fields: object, event: string) => void logged.push(inspect({ fields, event }, { depth: 9 }));
const log: Logger = { debug: record, info: record, warn: record, error: record };
const told: string[] = [];
const events = {
  requested: () => void told.push("requested"),
  signed: () => void told.push("signed"),
  refused: (status: string) => void told.push(status),
};
const service = createCertificateService(built.authority, { authenticator, log, events });

const subject = { namespace: "shop", serviceAccount: "reviews" };
const identity = "spiffe://cluster.local/ns/shop/sa/reviews";

function tokenFor(audiences = ["istio-ca"]): Credentials {
  return { bearerToken: issuer.issueToken({ ...subject, audiences, expirationSeconds: 600 }) };
}

function request(options: { uris?: readonly string[]; validitySeconds?: number; csr?: string } = {}) {
  const { uris = [identity], validitySeconds = 0 } = options;
  const csr = options.csr ?? buildCertificateRequest(newKey(), { uris, dnsNames: [], ipAddresses: [] });
  return create(IstioCertificateRequestSchema, { csr, validityDuration: BigInt(validitySeconds) });
}

async function signed(...[message, credentials]: Parameters<typeof service.createCertificate>) {
  const outcome = await service.createCertificate(message, credentials);
  return outcome.kind === "signed" ? outcome.response.certChain : assert.fail(outcome.message);
}

async function statusOf(...[message, credentials]: Parameters<typeof service.createCertificate>) {
  const outcome = await service.createCertificate(message, credentials);
  return outcome.kind === "refused" ? outcome.status : outcome.kind;
}

function namesOf(chain: readonly string[]) {
  return namesOfPeerCertificate(new X509Certificate(chain[0] ?? "").raw);
}

/** Made by another implementation; ours has no subject. */
async function requestWithSubject(name: string): Promise<string> {
  const x509 = await loadX509Oracle();
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
  });
  return made.toString("pem");
}

test("createCertificate() signs the token's identity for a day by default", async () => {
  const chain = await signed(request(), tokenFor());
  assert.equal(chain.length, 2);
  const leaf = new X509Certificate(chain[0] ?? "");
  assert.deepEqual(namesOfPeerCertificate(leaf.raw), { uris: [identity] });
  assert.equal(Date.parse(leaf.validTo) - clock.now(), DAY_MS);
  assert.equal(leaf.verify(new X509Certificate(chain[1] ?? "").publicKey), true);
});

test("createCertificate() signs the identity of a verified certificate", async () => {
  const chain = await signed(request(), { verifiedPeer: { uris: [identity] } });
  assert.deepEqual(namesOf(chain), { uris: [identity] });
});

test("createCertificate() puts the pod of a bound token into the certificate, and of that into its successor", async () => {
  const pod = { name: "reviews-v1-6d5f8c9b7-abcde", uid: "0f0f3a52-9d2a-4c8e-8f5e-1d2c3b4a5968" };
  const bearerToken = issuer.issueToken({ ...subject, pod, audiences: ["istio-ca"], expirationSeconds: 600 });
  const first = namesOf(await signed(request(), { bearerToken }));
  assert.deepEqual(first, { uris: [identity], pod });
  assert.deepEqual(namesOf(await signed(request(), { verifiedPeer: first })), { uris: [identity], pod });
});

test("createCertificate() takes no subject from the request", async () => {
  const csr = await requestWithSubject("1.2.840.113549.1.9.2=gateway-1,0.9.2342.19200300.100.1.1=0f0f");
  assert.deepEqual(namesOf(await signed(request({ csr }), tokenFor())), { uris: [identity] });
});

test("createCertificate() takes the caller's identity where the request names none or another trust domain", async () => {
  for (const uris of [[], ["spiffe://old.example/ns/shop/sa/reviews"]]) {
    const chain = await signed(request({ uris }), tokenFor());
    assert.deepEqual(namesOf(chain), { uris: [identity] });
  }
});

test("createCertificate() refuses a request that names another workload", async () => {
  const uris = ["spiffe://cluster.local/ns/shop/sa/admin"];
  assert.equal(await statusOf(request({ uris }), tokenFor()), "PERMISSION_DENIED");
});

const unauthenticated: readonly (readonly [string, () => Credentials])[] = [
  ["nothing", () => ({})],
  ["a token for another audience", () => tokenFor(["vault"])],
  ["a token that isn't one", () => ({ bearerToken: redacted("a.b.c") })],
  ["a certificate without a SPIFFE id", () => ({ verifiedPeer: { uris: [] } })],
  ["a certificate with two", () => ({ verifiedPeer: { uris: [identity, identity] } })],
  [
    "a certificate of another trust domain",
    () => ({ verifiedPeer: { uris: ["spiffe://evil/ns/shop/sa/reviews"] } }),
  ],
  [
    "a bad token beside a good certificate",
    () => ({ bearerToken: redacted("x"), verifiedPeer: { uris: [identity] } }),
  ],
];

for (const [name, credentials] of unauthenticated) {
  test(`createCertificate() refuses ${name}`, async () => {
    assert.equal(await statusOf(request(), credentials()), "UNAUTHENTICATED");
  });
}

test("createCertificate() refuses lifetimes out of bounds and text that isn't a request", async () => {
  assert.equal(await statusOf(request({ validitySeconds: 91 * 86_400 }), tokenFor()), "INVALID_ARGUMENT");
  assert.equal(await statusOf(request({ validitySeconds: -1 }), tokenFor()), "INVALID_ARGUMENT");
  assert.equal(await statusOf(request({ csr: "hello" }), tokenFor()), "INVALID_ARGUMENT");
});

test("createCertificate() logs who and never a token", async () => {
  const credentials = tokenFor();
  await signed(request(), credentials);
  const text = logged.join("\n");
  assert.match(text, /certificate signed/);
  assert.equal(text.includes(credentials.bearerToken?.reveal() ?? "?"), false);
});

test("verifyToken() refuses expired, future, foreign and unsigned tokens", () => {
  const token = issuer.issueToken({ ...subject, audiences: ["a"], expirationSeconds: 60 }).reveal();
  const reason = (text: string, audience = "a") => {
    const result = issuer.verifyToken(text, [audience]);
    return result.kind === "refused" ? result.reason : "accepted";
  };
  const [header = "", payload = "", signature = ""] = token.split(".");
  const forged = (claims: object) => Buffer.from(JSON.stringify(claims)).toString("base64url");
  const other = createTokenIssuer(newKey(), { clock, issuer: issuer.issuer });
  const foreign = other.issueToken({ ...subject, audiences: ["a"], expirationSeconds: 60 }).reveal();
  assert.equal(reason(token), "accepted");
  assert.match(reason(token, "b"), /isn't for "b"/);
  assert.match(reason(`${forged({ alg: "none" })}.${payload}.`), /three parts/);
  assert.match(reason(`${forged({ alg: "HS256" })}.${payload}.${signature}`), /ES256/);
  assert.match(
    reason(`${header}.${forged({ sub: "system:serviceaccount:x:y" })}.${signature}`),
    /signature is wrong/,
  );
  assert.match(reason(foreign), /another key/);
  clock.advance(60_000);
  assert.match(reason(token), /expired/);
});

test("issueToken() carries Kubernetes' claims", () => {
  const pod = { name: "reviews-1", uid: "8a" };
  const token = issuer
    .issueToken({ ...subject, pod, audiences: ["istio-ca"], expirationSeconds: 60 })
    .reveal();
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  assert.equal(claims.sub, "system:serviceaccount:shop:reviews");
  assert.deepEqual(claims["kubernetes.io"], { namespace: "shop", pod, serviceaccount: { name: "reviews" } });
  assert.deepEqual(issuer.verifyToken(token, ["istio-ca"]), {
    kind: "subject",
    subject: { ...subject, pod },
  });
  assert.equal(createPublicKey(issuer.publicKey.export({ format: "pem", type: "spki" })).type, "public");
});

test("createCertificate() tells what became of each request", async () => {
  told.length = 0;
  await service.createCertificate(request(), tokenFor());
  await service.createCertificate(request(), {});
  await service.createCertificate(request({ csr: "none" }), tokenFor());
  const foreign = "spiffe://cluster.local/ns/shop/sa/other";
  await service.createCertificate(request({ uris: [foreign] }), tokenFor());
  assert.deepEqual(
    told.filter((event) => event !== "requested"),
    ["signed", "UNAUTHENTICATED", "INVALID_ARGUMENT", "PERMISSION_DENIED"],
  );
  assert.equal(told.length, 8);
});
