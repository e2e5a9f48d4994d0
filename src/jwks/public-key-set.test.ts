import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePublicKeySet } from "./public-key-set.ts";

const RSA = { kty: "RSA", kid: "a", n: "AQAB", e: "AQAB" };
const EC = { kty: "EC", kid: "b", crv: "P-256", x: "x", y: "y" };

describe("parsePublicKeySet()", () => {
  test("gives the same bytes for the same keys, in whatever order and form", () => {
    const jwks = `{"keys":[${JSON.stringify({ kty: "EC", kid: "b", crv: "P-256", x: "x", y: "y" })},${JSON.stringify({ kty: "RSA", kid: "a", n: "AQAB", e: "AQAB" })}]}`;
    for (const keys of [
      [RSA, EC],
      [EC, { e: "AQAB", n: "AQAB", kid: "a", kty: "RSA", x5c: ["…"] }],
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
      assert.equal(reasonOf(text), "the answer holds no public key", text);
    const many = Array.from({ length: 2000 }, (_, kid) => ({ ...RSA, kid: `${kid}` }));
    assert.equal(reasonOf(JSON.stringify({ keys: many })), "the keys take more than 64 KiB");
  });
});
