import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import { rsaKey } from "../../tests/support/rsa-key.ts";
import { parsePublicKeySet } from "./public-key-set.ts";

const { n, e } = createPublicKey(rsaKey).export({ format: "jwk" });
const { x, y } = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
const RSA = { kty: "RSA", kid: "a", n, e };
const EC = { kty: "EC", kid: "b", crv: "P-256", x, y };

describe("parsePublicKeySet()", () => {
  test("gives the same bytes for the same keys, in whatever order and form", () => {
    const jwks = `{"keys":[${JSON.stringify({ kty: "EC", kid: "b", crv: "P-256", x, y })},${JSON.stringify({ kty: "RSA", kid: "a", n, e })}]}`;
    for (const keys of [
      [RSA, EC],
      [EC, { e, n, kid: "a", kty: "RSA", x5c: ["…"] }],
      [EC, RSA, RSA],
    ])
      assert.deepEqual(parsePublicKeySet(JSON.stringify({ keys, other: 1 }, undefined, 2)), {
        kind: "keys",
        jwks,
      });
  });

  test("keeps nothing of a private key, and no symmetric one", () => {
    const keys = [
      { ...RSA, d: "secret", p: "secret" },
      { kty: "oct", k: "secret" },
    ];
    const parsed = parsePublicKeySet(JSON.stringify({ keys }));
    assert.ok(parsed.kind === "keys");
    assert.doesNotMatch(parsed.jwks, /secret/);
  });

  test("says what is wrong with anything else", () => {
    const reasonOf = (text: string) => {
      const parsed = parsePublicKeySet(text);
      return parsed.kind === "unusable" ? parsed.reason : undefined;
    };
    for (const text of ["", "<html>", "[]", "null", "{}", '{"keys":{}}'])
      assert.equal(reasonOf(text), "the answer isn't a JSON Web Key Set", text);
    for (const text of ['{"keys":[]}', '{"keys":[null,1,{"kty":"oct","k":"x"}]}'])
      assert.equal(reasonOf(text), "the answer holds no public key that Envoy can verify by", text);
    const many = Array.from({ length: 101 }, (_, kid) => ({ ...RSA, kid: `${kid}` }));
    assert.equal(reasonOf(JSON.stringify({ keys: many })), "the answer holds more than 100 keys");
    const long = many.slice(0, 70).map((key) => ({ ...key, kid: `${key.kid}${"x".repeat(1000)}` }));
    assert.equal(reasonOf(JSON.stringify({ keys: long })), "the keys take more than 64 KiB");
  });
});
