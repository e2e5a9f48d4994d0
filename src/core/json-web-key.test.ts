import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { rsaKey } from "../../tests/support/rsa-key.ts";
import { isPrivateKey, isPublicKey, isSecretKey, parseKeySet } from "./json-web-key.ts";

const jwkOf = ({ publicKey }: { readonly publicKey: KeyObject }) => publicKey.export({ format: "jwk" });
const rsa = jwkOf({ publicKey: createPublicKey(rsaKey) });
const ec = (namedCurve: string) => jwkOf(generateKeyPairSync("ec", { namedCurve }));

test("isPublicKey() takes what Envoy verifies by", () => {
  for (const key of [
    rsa,
    { ...rsa, alg: "PS384", kid: "a", use: "sig" },
    ...["P-256", "P-384", "P-521"].map(ec),
    { ...ec("P-256"), alg: "ES256" },
    jwkOf(generateKeyPairSync("ed25519")),
  ])
    assert.equal(isPublicKey(key), true, JSON.stringify(key));
});

test("isPublicKey() refuses what Envoy can't verify by", () => {
  const weak = jwkOf(generateKeyPairSync("rsa", { modulusLength: 768 }));
  for (const key of [
    ...[undefined, null, 1, "x", {}, { kty: "RSA" }, { kty: "RSA", n: "AQAB", e: "AQAB" }, weak],
    ...[
      { ...rsa, alg: "ES256" },
      { ...rsa, alg: "none" },
      { ...rsa, kty: "toString" },
      { kty: "oct", k: "x" },
    ],
    ...[{ ...ec("P-256"), alg: "ES384" }, { ...ec("P-256"), x: "AA" }, ec("secp256k1")],
    jwkOf(generateKeyPairSync("ed448")),
  ])
    assert.equal(isPublicKey(key), false, JSON.stringify(key));
});

test("isSecretKey() and isPrivateKey() tell what signs", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const signing = privateKey.export({ format: "jwk" });
  assert.deepEqual([isPrivateKey(signing), isPrivateKey(rsa), isPrivateKey(null)], [true, false, false]);
  assert.deepEqual(
    [{ kty: "oct", k: "x" }, { kty: "oct", k: "x", alg: "RS256" }, { kty: "oct" }, rsa].map(isSecretKey),
    [true, false, false, false],
  );
});

test("parseKeySet() gives the keys of a set, and nothing for anything else", () => {
  assert.deepEqual(parseKeySet('{"keys":[1,{}]}'), [1, {}]);
  for (const text of ["", "x", "null", "[]", "{}", '{"keys":{}}', '{"kty":"RSA"}'])
    assert.equal(parseKeySet(text), undefined, text);
});
