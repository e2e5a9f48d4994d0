import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import type { IssuerKeysReport } from "../../admin/contract/control-plane.ts";
import type { JwtRule, RequestAuthentication } from "../../kinds/request-authentication.ts";
import { judgeByPolicies } from "./debug.ts";
import { readToken } from "./judge-token.ts";

describe("meltemi jwt debug", () => {
  const NOW = Date.parse("2026-01-01T00:00:00Z");
  const nowSeconds = NOW / 1000;
  type Claims = { readonly [Name in keyof JWTPayload]: JWTPayload[Name] | undefined };

  let sign: (claims?: Claims, header?: object) => Promise<string>;
  let jwks: string;

  before(async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "a", alg: "ES256" }] });
    sign = (claims = {}, header = {}) =>
      new SignJWT({ iss: "idp", aud: "shop", exp: nowSeconds + 60, ...claims } as JWTPayload)
        .setProtectedHeader({ alg: "ES256", kid: "a", ...header })
        .sign(privateKey);
  });

  describe("judgeByPolicies()", () => {
    test("says which rule takes a token, and why each other doesn't", async () => {
      const inline = { issuer: "idp", jwks };
      const cases: readonly (readonly [string, JwtRule, string])[] = [
        [await sign(), inline, 'takes: signed by key "a"'],
        [await sign({}, { kid: undefined }), inline, "takes: signed by one of the issuer's keys"],
        [await sign(), { ...inline, audiences: ["https://shop/", "x"] }, 'takes: signed by key "a"'],
        [await sign(), { jwks }, 'takes: signed by key "a"'],
        [await sign({ exp: nowSeconds - 59 }), inline, 'takes: signed by key "a"'],
        [await sign({ iss: "b" }), inline, 'passes: it is for issuer "idp", and the token\'s is "b"'],
        [await sign({ iss: undefined }), inline, 'passes: it is for issuer "idp", and the token\'s is none'],
        [await sign(), { ...inline, audiences: ["bar"] }, 'refuses: it is for audience "shop", wanted "bar"'],
        [await sign({ exp: nowSeconds - 61 }), inline, "refuses: it expired at 2025-12-31T23:58:59.000Z"],
        [
          await sign({ nbf: nowSeconds + 61 }),
          inline,
          "refuses: it isn't valid before 2026-01-01T00:01:01.000Z",
        ],
        [
          await sign({}, { kid: "b" }),
          inline,
          'refuses: no key of the issuer fits algorithm ES256 and id "b"; it has "a"',
        ],
        [
          new UnsecuredJWT({ iss: "idp" }).encode(),
          inline,
          'refuses: no key of the issuer fits algorithm none; it has "a"',
        ],
        [`${(await sign()).slice(0, -6)}AAAAAA`, inline, "refuses: its signature is wrong"],
      ];
      for (const [token, rule, wanted] of cases) assert.deepEqual(await judged(token, [rule]), [wanted]);
    });

    test("knows keys that were fetched, and why they weren't", async () => {
      const rules = [
        { issuer: "idp", jwksUri: "http://a" },
        { issuer: "idp", jwksUri: "http://b" },
        { issuer: "idp" },
      ];
      const keys = [
        { location: "jwks http://a", jwks },
        { location: "jwks http://b", failure: "HTTP status 500" },
      ];
      assert.deepEqual(await judged(await sign(), rules, keys), [
        'takes: signed by key "a"',
        "refuses: there are no keys of its issuer yet: HTTP status 500",
        "refuses: there are no keys of its issuer yet",
      ]);
    });
  });

  async function judged(text: string, rules: readonly JwtRule[], keys: readonly IssuerKeysReport[] = []) {
    const policy = { metadata: { namespace: "shop", name: "web" }, spec: { jwtRules: rules } };
    const token = readToken(text) ?? assert.fail("no token");
    const found = await judgeByPolicies(token, [policy as unknown as RequestAuthentication], {
      keys,
      nowMs: NOW,
    });
    return found.map(({ verdict, reason }) => `${verdict}: ${reason}`);
  }
});
