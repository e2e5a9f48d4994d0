import assert from "node:assert/strict";
import type { KeyObject } from "node:crypto";
import { createPublicKey, generateKeyPairSync, webcrypto } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { rsaKey } from "../../tests/support/rsa-key.ts";
import { loadX509Oracle } from "../../tests/support/x509-oracle.ts";
import { buildCertificateRequest, parseCertificateRequest } from "./certificate-request.ts";
import { decodePem, encodePem } from "./pem.ts";

const x509 = await loadX509Oracle();

const names = { uris: ["spiffe://cluster.local/ns/shop/sa/reviews"], dnsNames: [], ipAddresses: [] };

function ecKey(namedCurve = "P-256"): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

function parsed(pem: string) {
  const result = parseCertificateRequest(pem);
  return result.kind === "request" ? result.request : assert.fail(result.reason);
}

function reasonOf(pem: string): string {
  const result = parseCertificateRequest(pem);
  return result.kind === "refused" ? result.reason : assert.fail("accepted");
}

for (const [name, key] of [
  ["P-256", ecKey()],
  ["P-384", ecKey("P-384")],
  ["RSA 2048", rsaKey],
] as const) {
  test(`parseCertificateRequest() reads what buildCertificateRequest() makes with ${name}`, async () => {
    const pem = buildCertificateRequest(key, names);
    const request = parsed(pem);
    assert.deepEqual(request.requestedNames, names);
    assert.equal(request.publicKey.key.equals(createPublicKey(key)), true);
    assert.equal(await new x509.Pkcs10CertificateRequest(pem).verify(), true, "the oracle accepts it too");
  });
}

test("parseCertificateRequest() reads a request made by another implementation", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "O=shop",
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.SubjectAlternativeNameExtension([
        { type: "url", value: "spiffe://cluster.local/ns/shop/sa/reviews" },
        { type: "dns", value: "reviews.shop" },
      ]),
    ],
    attributes: [new x509.ChallengePasswordAttribute("unused")],
  });
  assert.deepEqual(parsed(made.toString("pem")).requestedNames, { ...names, dnsNames: ["reviews.shop"] });
});

async function foreignRequest(namedCurve: string, hash: string): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve, hash };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  return made.toString("pem");
}

test("parseCertificateRequest() agrees with another implementation on any names and extensions", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const name = fc.oneof(
    fc
      .tuple(label, label)
      .map(([ns, sa]) => ({ type: "url" as const, value: `spiffe://td/ns/${ns}/sa/${sa}` })),
    label.map((host) => ({ type: "dns" as const, value: `${host}.example` })),
    fc.ipV4().map((value) => ({ type: "ip" as const, value })),
    label.map((local) => ({ type: "email" as const, value: `${local}@example.org` })),
  );
  let nameCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 6 }), fc.boolean(), async (list, hasUsage) => {
      nameCount += list.length;
      const usage = new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true);
      const made = await x509.Pkcs10CertificateRequestGenerator.create({
        keys,
        signingAlgorithm: algorithm,
        extensions: [...(hasUsage ? [usage] : []), new x509.SubjectAlternativeNameExtension(list)],
      });
      const valuesOf = (type: string) => list.filter((one) => one.type === type).map(({ value }) => value);
      assert.deepEqual(parsed(made.toString("pem")).requestedNames, {
        uris: valuesOf("url"),
        dnsNames: valuesOf("dns"),
        ipAddresses: valuesOf("ip"),
      });
    }),
    { numRuns: 60 },
  );
  assert.ok(nameCount > 60);
});

test("parseCertificateRequest() refuses weak keys, other curves and SHA-1", async () => {
  const weakKey = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  assert.match(reasonOf(buildCertificateRequest(weakKey, names)), /1024 bits/);
  assert.match(reasonOf(await foreignRequest("P-521", "SHA-512")), /curve isn't P-256 or P-384/);
  assert.match(reasonOf(await foreignRequest("P-256", "SHA-1")), /algorithm isn't/);
});

test("parseCertificateRequest() refuses a request signed by another key", () => {
  const mine = buildCertificateRequest(ecKey(), names);
  const theirs = buildCertificateRequest(ecKey(), names);
  const [mineDer, theirsDer] = [mine, theirs].map((pem) =>
    Buffer.from(decodePem("CERTIFICATE REQUEST", pem)[0] ?? []),
  );
  assert.ok(mineDer !== undefined && theirsDer !== undefined);
  // The P-256 point of one in the body of the other: 65 bytes after the curve's name.
  const pointStart = (der: Buffer) => der.indexOf(Buffer.from("2a8648ce3d030107034200", "hex")) + 11;
  theirsDer.copy(mineDer, pointStart(mineDer), pointStart(theirsDer), pointStart(theirsDer) + 65);
  assert.equal(reasonOf(encodePem("CERTIFICATE REQUEST", mineDer)), "the signature is wrong");
});

test("parseCertificateRequest() refuses text that isn't one block, and text that is too long", () => {
  const pem = buildCertificateRequest(ecKey(), names);
  for (const text of ["", "hello", pem + pem, pem.replaceAll("CERTIFICATE REQUEST", "CERTIFICATE")]) {
    assert.match(reasonOf(text), /not one PEM block/);
  }
  assert.match(reasonOf(pem + " ".repeat(20_000)), /longer than/);
});

test("parseCertificateRequest() accepts no changed byte that matters, and never throws", async () => {
  const original = Buffer.from(
    decodePem("CERTIFICATE REQUEST", buildCertificateRequest(ecKey(), names))[0] ?? [],
  );
  const counts = { refused: 0, total: 0 };
  const mutation = fc.record({
    at: fc.nat({ max: original.length - 1 }),
    byte: fc.integer({ min: 1, max: 255 }),
    cut: fc.option(fc.nat({ max: original.length }), { freq: 4 }),
  });
  fc.assert(
    fc.property(mutation, ({ at, byte, cut }) => {
      const bytes = Buffer.from(original);
      bytes[at] = (bytes[at] ?? 0) ^ byte;
      const mutated = cut === null ? bytes : bytes.subarray(0, cut);
      counts.total++;
      if (parseCertificateRequest(encodePem("CERTIFICATE REQUEST", mutated)).kind === "refused")
        counts.refused++;
    }),
    { numRuns: 2_000 },
  );
  // Every byte is under the signature or is the signature: none may change.
  assert.deepEqual(counts, { refused: 2_000, total: 2_000 });
});

test("parseCertificateRequest() never throws for random bytes shaped like DER", () => {
  let count = 0;
  const tag = fc.constantFrom(0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0x31, 0xa0, 0x1f, 0x80);
  const { node } = fc.letrec<{ node: Uint8Array }>((tie) => ({
    node: fc
      .tuple(
        tag,
        fc.oneof(
          { maxDepth: 5 },
          fc.uint8Array({ maxLength: 12 }),
          fc.array(tie("node"), { maxLength: 4 }).map(Buffer.concat),
        ),
        fc.constantFrom(0, 0, 0, 0, 1, -1),
      )
      .map(([first, content, lie]) =>
        Buffer.from([first, Math.max(0, (content.length + lie) & 0x7f), ...content]),
      ),
  }));
  fc.assert(
    fc.property(node, (bytes) => {
      count++;
      return parseCertificateRequest(encodePem("CERTIFICATE REQUEST", bytes)).kind === "refused";
    }),
    { numRuns: 2_000 },
  );
  assert.equal(count, 2_000);
});
