import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { inputsOf, policyInputs } from "../../tests/support/authorization-fixture.ts";
import { httpCall, httpChain } from "../../tests/support/call-fixture.ts";
import type { JwtRule } from "../kinds/request-authentication.ts";
import type { AuthorizationPolicyInputs } from "../view/authorization-inputs.ts";
import { decideCall } from "./decide-call.ts";

describe("token check", () => {
  const ISSUER = "https://login.example.com";
  const nowSeconds = 1_800_000_000;
  const algorithms = ["RS256", "PS384", "ES256", "ES512", "EdDSA"] as const;

  let keys: Readonly<Record<string, CryptoKey>>;
  let jwks: string;

  before(async () => {
    const pairs = await Promise.all(
      algorithms.map(async (alg) => ({ alg, ...(await generateKeyPair(alg, { extractable: true })) })),
    );
    keys = Object.fromEntries(pairs.map(({ alg, privateKey }) => [alg, privateKey]));
    const published = pairs.map(async ({ alg, publicKey }) => ({
      ...(await exportJWK(publicKey)),
      kid: alg,
    }));
    jwks = JSON.stringify({ keys: await Promise.all(published) });
  });

  function sign(claims: JWTPayload = {}, header: { alg?: string; kid?: string } = {}): Promise<string> {
    const payload = { iss: ISSUER, sub: "ann", exp: nowSeconds + 60, ...claims };
    const { alg = "RS256", kid = alg } = header;
    const key = keys[alg];
    assert.ok(key !== undefined);
    return new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key);
  }

  interface Question {
    readonly token?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly path?: string;
    readonly issuers?: readonly JwtRule[];
    readonly policies?: readonly Partial<AuthorizationPolicyInputs>[];
  }

  /** `allowed`, `denied`, or what is wrong with the token. */
  function verdict({ token, headers, path = "/", issuers = [{}], policies = [] }: Question): string {
    const sent = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const call = httpCall({ headers: { ...sent, ...headers }, path });
    const chain = httpChain(
      inputsOf(policies.map(policyInputs)),
      issuers.map((rule) => ({ rule: { issuer: ISSUER, ...rule }, jwks })),
    );
    const { verdict: said, reason } = decideCall(chain, call, { nowSeconds });
    return reason.kind === "token" ? reason.fault : said;
  }

  test("tokens of every algorithm are verified by the issuer's keys", async () => {
    for (const alg of algorithms) {
      assert.equal(verdict({ token: await sign({}, { alg }) }), "allowed", alg);
    }
  });

  test("a token that isn't good is refused, with the reason", async () => {
    const good = await sign();
    const forged = `${good.slice(0, -10)}AAAAAAAAAA`;
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.split(".")[1]}.x`;
    assert.match(verdict({ token: forged }), /no key of its issuer verifies/);
    assert.match(verdict({ token: unsigned }), /the algorithm "none"/);
    assert.match(verdict({ token: "x" }), /HEADER\.PAYLOAD\.SIGNATURE/);
    assert.match(verdict({ token: await sign({ exp: nowSeconds - 61 }) }), /has expired/);
    assert.equal(verdict({ token: await sign({ exp: nowSeconds - 59 }) }), "allowed");
    assert.match(verdict({ token: await sign({ nbf: nowSeconds + 61 }) }), /isn't valid yet/);
    assert.match(verdict({ token: await sign({ iss: "https://other" }) }), /issuer "https:\/\/other"/);
    assert.match(verdict({ token: await sign({}, { kid: "gone" }) }), /doesn't have .*key id "gone"/);
  });

  test("an audience must be one of the rule's", async () => {
    const issuers = [{ audiences: ["https://shop/"] }];
    assert.equal(verdict({ token: await sign({ aud: ["x", "shop"] }), issuers }), "allowed");
    assert.match(
      verdict({ token: await sign({ aud: "x" }), issuers }),
      /audience "x", not "https:\/\/shop\/"/,
    );
    assert.match(verdict({ token: await sign(), issuers }), /audience/);
  });

  test("without a token a request passes, unless one is required", () => {
    assert.equal(verdict({}), "allowed");
    assert.match(verdict({ issuers: [{ presence: "REQUIRED" }] }), /has no token, and one is required/);
  });

  test("a token of any of several issuers is enough, and one of none isn't", async () => {
    const issuers = [{}, { issuer: "https://second" }];
    assert.equal(verdict({ token: await sign(), issuers }), "allowed");
    assert.equal(verdict({ token: await sign({ iss: "https://second" }), issuers }), "allowed");
    assert.match(
      verdict({ token: await sign({ iss: "https://third" }), issuers }),
      /issuer "https:\/\/third"/,
    );
    assert.match(verdict({ token: await sign({ exp: 1 }), issuers }), /has expired/);
  });

  test("tokens are found where the rule looks for them", async () => {
    const token = await sign();
    const required = { presence: "REQUIRED" } as const;
    const inQuery = { path: `/?t=${token}`, issuers: [{ ...required, fromParams: ["t"] }] };
    assert.equal(verdict(inQuery), "allowed");
    const inHeader = {
      headers: { "x-jwt": `Token ${token}` },
      issuers: [{ ...required, fromHeaders: [{ name: "X-Jwt", prefix: "Token " }] }],
    };
    assert.equal(verdict(inHeader), "allowed");
    const inCookie = {
      headers: { cookie: `a=b; session=${token}` },
      issuers: [{ ...required, fromCookies: ["session"] }],
    };
    assert.equal(verdict(inCookie), "allowed");
    assert.match(verdict({ token, issuers: inCookie.issuers }), /has no token/);
  });

  test("rules see the claims of a token that was taken, and its header only where it is forwarded", async () => {
    const token = await sign({
      aud: "shop",
      scope: "read write",
      groups: ["staff"],
      nested: { team: "blue" },
    });
    const by = (rule: object, issuer: JwtRule = {}) =>
      verdict({ token, issuers: [issuer], policies: [{ rules: [rule] }] });
    const when = (key: string, ...values: string[]) => ({ when: [{ key, values }] });
    assert.equal(by({ from: [{ source: { requestPrincipals: [`${ISSUER}/ann`] } }] }), "allowed");
    assert.equal(by({ from: [{ source: { requestPrincipals: [`${ISSUER}/bob`] } }] }), "denied");
    assert.equal(by(when("request.auth.claims[groups]", "staff")), "allowed");
    assert.equal(by(when("request.auth.claims[scope]", "write")), "allowed");
    assert.equal(by(when("request.auth.claims[nested][team]", "bl*")), "allowed");
    assert.equal(by(when("request.auth.audiences", "shop")), "allowed");
    assert.equal(by(when("request.auth.presenter", "x")), "denied");
    assert.equal(by(when("request.headers[authorization]", "*")), "denied");
    assert.equal(by(when("request.headers[authorization]", "*"), { forwardOriginalToken: true }), "allowed");
    const copied = { outputClaimToHeaders: [{ header: "X-Sub", claim: "sub" }] };
    assert.equal(by(when("request.headers[x-sub]", "ann"), copied), "allowed");
    assert.equal(
      verdict({
        headers: { "x-sub": "ann" },
        issuers: [copied],
        policies: [{ rules: [when("request.headers[x-sub]", "ann")] }],
      }),
      "denied",
    );
  });
});
