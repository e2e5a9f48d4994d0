import assert from "node:assert/strict";
import type { KeyObject } from "node:crypto";
import { createPublicKey, generateKeyPairSync, randomBytes, randomUUID, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import fc from "fast-check";
import { rsaKey } from "../../tests/support/rsa-key.ts";
import { loadX509Oracle } from "../../tests/support/x509-oracle.ts";
import { ManualClock } from "../core/clock.ts";
import { redacted } from "../core/redacted.ts";
import { namesOfPeerCertificate, readCertificate } from "./certificate.ts";
import type { AuthorityFiles, CertificateAuthority } from "./certificate-authority.ts";
import { buildRootFiles, createCertificateAuthority } from "./certificate-authority.ts";
import { readDer } from "./der-reader.ts";
import { decodePem } from "./pem.ts";
import { readSubjectPublicKey } from "./subject-public-key.ts";

const x509 = await loadX509Oracle();
const HOUR_MS = 3_600_000;
const names = { uris: ["spiffe://cluster.local/ns/shop/sa/reviews"], dnsNames: [], ipAddresses: [] };
const clock = new ManualClock(Date.now());
const context = { clock, randomBytes };

function ecKey(namedCurve = "P-256"): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

function publicKeyOf(key: KeyObject) {
  return readSubjectPublicKey(readDer(createPublicKey(key).export({ format: "der", type: "spki" })));
}

function opened(files: AuthorityFiles): CertificateAuthority {
  const result = createCertificateAuthority(files, context);
  return result.kind === "authority" ? result.authority : assert.fail(result.reason);
}

function reasonOf(files: AuthorityFiles): string {
  const result = createCertificateAuthority(files, context);
  return result.kind === "unfit" ? result.reason : assert.fail("accepted");
}

const rootFiles = buildRootFiles(ecKey(), "cluster.local", context);

for (const [name, key] of [
  ["P-256", ecKey()],
  ["P-384", ecKey("P-384")],
  ["RSA", rsaKey],
] as const) {
  test(`issue() of a CA with a ${name} key makes a leaf that other implementations verify`, async () => {
    const authority = opened(buildRootFiles(key, "cluster.local", context));
    const chain = authority.issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS });
    assert.equal(chain.length, 2);
    const [leaf, root] = chain.map((pem) => new x509.X509Certificate(pem));
    assert.ok(leaf !== undefined && root !== undefined);
    assert.equal(await leaf.verify({ publicKey: root.publicKey }), true);
    assert.equal(await root.isSelfSigned(), true);
    assert.equal(root.notAfter.getTime() - root.notBefore.getTime() > 3649 * 24 * HOUR_MS, true);
  });
}

test("issue() marks names critical under an empty subject and limits what the leaf may do", () => {
  const [pem = ""] = opened(rootFiles).issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS });
  const leaf = new x509.X509Certificate(pem);
  const alternativeNames = leaf.getExtension(x509.SubjectAlternativeNameExtension);
  assert.equal(leaf.subject, "");
  assert.equal(alternativeNames?.critical, true);
  assert.deepEqual(alternativeNames?.names.toJSON(), [{ type: "url", value: names.uris[0] }]);
  assert.equal(leaf.getExtension(x509.BasicConstraintsExtension)?.ca, false);
  assert.equal(leaf.getExtension(x509.KeyUsagesExtension)?.usages, x509.KeyUsageFlags.digitalSignature);
  assert.deepEqual(Array.from(leaf.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? []), [
    x509.ExtendedKeyUsage.serverAuth,
    x509.ExtendedKeyUsage.clientAuth,
  ]);
  const issuer = new x509.X509Certificate(rootFiles.certificatePem);
  assert.equal(
    leaf.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
    issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
  );
});

test("issue() names the pod in attributes that Node and OpenSSL know, and hold Kubernetes' longest names", () => {
  const pod = { name: `${"a".repeat(63)}.`.repeat(3) + "b".repeat(61), uid: randomUUID() };
  assert.equal(pod.name.length, 253);
  const [pem = ""] = opened(rootFiles).issue({ publicKey: publicKeyOf(ecKey()), names, pod, ttlMs: HOUR_MS });
  const leaf = new X509Certificate(pem);
  assert.deepEqual({ ...leaf.toLegacyObject().subject }, { unstructuredName: pod.name, UID: pod.uid });
  assert.deepEqual(namesOfPeerCertificate(leaf.raw), { uris: names.uris, pod });
  const alternativeNames = new x509.X509Certificate(pem).getExtension(x509.SubjectAlternativeNameExtension);
  assert.equal(alternativeNames?.critical, false);
});

test("issue() backdates by two minutes and gives each certificate a serial of 128 bits of its own", () => {
  const issue = () =>
    opened(rootFiles).issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS })[0] ?? "";
  const [first, second] = [new X509Certificate(issue()), new X509Certificate(issue())];
  assert.equal(Math.floor(clock.now() / 1000) - Date.parse(first.validFrom) / 1000 - 120 <= 1, true);
  assert.equal(first.serialNumber.length, 32);
  assert.notEqual(first.serialNumber, second.serialNumber);
});

test("issue() never lets a leaf outlive its CA", () => {
  const authority = opened(rootFiles);
  const [pem = ""] = authority.issue({
    publicKey: publicKeyOf(ecKey()),
    names,
    ttlMs: 99_999 * 24 * HOUR_MS,
  });
  assert.equal(Date.parse(new X509Certificate(pem).validTo), authority.notAfterMs);
});

test("namesOfPeerCertificate() reads the names of a leaf, and nothing from nonsense", () => {
  const [pem = ""] = opened(rootFiles).issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS });
  assert.deepEqual(namesOfPeerCertificate(new X509Certificate(pem).raw), { uris: names.uris });
  assert.deepEqual(namesOfPeerCertificate(Buffer.from("3003020101", "hex")), { uris: [] });
});

test("namesOfPeerCertificate() never throws, whatever byte is changed or cut off", () => {
  const [pem = ""] = opened(rootFiles).issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS });
  const original = new X509Certificate(pem).raw;
  let unreadCount = 0;
  const change = fc.tuple(fc.nat({ max: original.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: 3 }));
  fc.assert(
    fc.property(change, ([at, byte, cut]) => {
      const bytes = Buffer.from(original);
      bytes[at] = byte;
      if (namesOfPeerCertificate(bytes.subarray(0, bytes.length - cut)).uris.length === 0) unreadCount++;
    }),
    { numRuns: 2_000 },
  );
  assert.ok(unreadCount > 100);
});

test("createCertificateAuthority() takes an intermediate CA and appends its chain up to the root", async () => {
  const { files } = await intermediateFiles();
  const chain = opened(files).issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS });
  assert.equal(chain.length, 3);
  assert.equal(chain[2], rootFiles.rootsPem);
  assert.equal(await canHandshake(opened(files)), true);
});

test("issue() ends with all roots while two are trusted", async () => {
  const { files } = await intermediateFiles();
  const next = buildRootFiles(ecKey(), "cluster.local", context);
  const authority = opened({ ...files, rootsPem: next.rootsPem + files.rootsPem });
  const chain = authority.issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS });
  assert.equal(chain.length, 3);
  assert.equal(decodePem("CERTIFICATE", chain[2] ?? "").length, 2);
  assert.equal(await canHandshake(authority), true);
});

test("createCertificateAuthority() says which file doesn't fit", async () => {
  const { files } = await intermediateFiles();
  const other = buildRootFiles(ecKey(), "cluster.local", context);
  const cases: readonly (readonly [Partial<AuthorityFiles>, RegExp])[] = [
    [{ certificatePem: "" }, /ca-cert.pem holds no certificate/],
    [{ keyPem: redacted("") }, /ca-key.pem holds no/],
    [{ keyPem: other.keyPem }, /isn't the key of/],
    [{ rootsPem: other.rootsPem }, /doesn't end at root-cert.pem/],
    [{ rootsPem: "" }, /root-cert.pem holds no/],
  ];
  for (const [change, reason] of cases) assert.match(reasonOf({ ...files, ...change }), reason);
});

test("createCertificateAuthority() refuses a leaf certificate and an expired CA", () => {
  const key = ecKey();
  const [leafPem = ""] = opened(rootFiles).issue({ publicKey: publicKeyOf(key), names, ttlMs: HOUR_MS });
  const keyPem = redacted(key.export({ format: "pem", type: "pkcs8" }).toString());
  assert.match(reasonOf({ ...rootFiles, certificatePem: leafPem, keyPem }), /isn't the certificate of a CA/);
  const old = buildRootFiles(ecKey(), "cluster.local", { ...context, clock: new ManualClock(0) });
  assert.match(reasonOf(old), /has expired/);
});

test("a leaf serves and calls over mutual TLS", async () => {
  assert.equal(await canHandshake(opened(rootFiles)), true);
});

test("readCertificate() agrees with OpenSSL on the times of root and leaf", () => {
  const chain = opened(rootFiles).issue({ publicKey: publicKeyOf(ecKey()), names, ttlMs: HOUR_MS });
  for (const pem of chain) {
    const [der = new Uint8Array()] = decodePem("CERTIFICATE", pem);
    const openssl = new X509Certificate(pem);
    assert.equal(readCertificate(der).notAfterMs, Date.parse(openssl.validTo));
    assert.equal(readCertificate(der).notBeforeMs, Date.parse(openssl.validFrom));
    assert.equal(readCertificate(der).isAuthority, openssl.ca);
  }
});

// Made by the other implementation, as a plug-in CA would be.
async function intermediateFiles(): Promise<{ files: AuthorityFiles }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const rootKey = await crypto.subtle.importKey(
    "pkcs8",
    decodePem("PRIVATE KEY", rootFiles.keyPem.reveal())[0] ?? new Uint8Array(),
    algorithm,
    true,
    ["sign"],
  );
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const root = new x509.X509Certificate(rootFiles.certificatePem);
  const made = await x509.X509CertificateGenerator.create({
    subject: "CN=intermediate",
    issuer: root.subjectName,
    publicKey: keys.publicKey,
    signingKey: rootKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(clock.now() - HOUR_MS),
    notAfter: new Date(clock.now() + 100 * HOUR_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      // Two roots of one name are told apart by this alone.
      new x509.AuthorityKeyIdentifierExtension(
        root.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? "",
      ),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const certificatePem = `${made.toString("pem")}\n`;
  const files = {
    certificatePem,
    keyPem: redacted(`-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`),
    chainPem: certificatePem,
    rootsPem: rootFiles.rootsPem,
  };
  return { files };
}

async function canHandshake(authority: CertificateAuthority): Promise<boolean> {
  const key = ecKey();
  const chain = authority.issue({ publicKey: publicKeyOf(key), names, ttlMs: HOUR_MS });
  const pem = key.export({ format: "pem", type: "pkcs8" }).toString();
  const shared = { key: pem, cert: chain.slice(0, -1).join(""), ca: authority.rootsPem };
  const server = createServer({ ...shared, requestCert: true, rejectUnauthorized: true }, (socket) =>
    socket.end("hi"),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = connect({ ...shared, port, host: "127.0.0.1", checkServerIdentity: () => undefined });
  try {
    await once(socket, "secureConnect");
    const [data] = await once(socket, "data");
    return socket.authorized && String(data) === "hi";
  } finally {
    socket.destroy();
    server.close();
  }
}
