import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { encode } from "../envoy/encode.ts";
import { buildHttpSlot } from "../envoy/policy-slot/http-slot.ts";
import { buildRequestAuthentication } from "../envoy/request-authentication/request-authentication.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { AcceptedIssuer } from "../view/request-authentication.ts";
import { judgeToken } from "./judge-token.ts";

describe("judgeToken()", () => {
  const nowSeconds = 1_800_000_000;
  let jwks: string;
  let sign: (claims?: JWTPayload) => Promise<string>;

  before(async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one" }] });
    sign = (claims = {}) =>
      new SignJWT({ iss: "idp", exp: nowSeconds + 60, ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "one" })
        .sign(privateKey);
  });

  /** `takes: …`, by a proxy that was sent this; without issuers by one that has no such policy. */
  function judged(token: string, issuers: readonly AcceptedIssuer[]): string {
    const slot = buildHttpSlot("jwt", buildRequestAuthentication({ issuers, isGateway: false }));
    const { typedConfig } = fromBinary(
      TypedExtensionConfigSchema,
      encode(TypedExtensionConfigSchema, slot).bytes,
    );
    return verdictOf(token, new Map([["meltemi.http.jwt", typedConfig as Any]]));
  }

  function verdictOf(token: string, extensionConfigs: ReadonlyMap<string, Any>): string {
    const config = { listeners: [], routeConfigs: new Map(), trustDomain: undefined, extensionConfigs };
    const { verdict, reason } = judgeToken(config, token, nowSeconds);
    return `${verdict}: ${reason}`;
  }

  test("judgeToken() brings the token to where its issuer's are looked for", async () => {
    const token = await sign();
    const other: AcceptedIssuer = { rule: { issuer: "other" }, jwks };
    const of = (rule: object): readonly AcceptedIssuer[] => [
      other,
      { rule: { issuer: "idp", ...rule }, jwks },
    ];
    for (const [rule, place] of [
      [{}, "the header authorization"],
      [{ fromHeaders: [{ name: "X-Token", prefix: "jwt " }] }, "the header x-token"],
      [{ fromParams: ["t"] }, "the parameter t"],
      [{ fromCookies: ["session"] }, "the cookie session"],
    ] as const)
      assert.equal(judged(token, of(rule)), `takes: as a token of idp, in ${place}`);
  });

  test("judgeToken() says why a token is refused", async () => {
    const idp: AcceptedIssuer = { rule: { issuer: "idp", audiences: ["shop"] }, jwks };
    const good = await sign({ aud: "shop" });
    assert.match(judged(await sign({ aud: "bar" }), [idp]), /^refuses: the token is for the audience "bar"/);
    assert.match(judged(await sign({ exp: 1 }), [idp]), /^refuses: the token has expired/);
    assert.match(
      judged(await sign({ iss: "nobody" }), [idp]),
      /^refuses: the token is of the issuer "nobody"/,
    );
    assert.match(
      judged(good, [{ ...idp, jwks: undefined }]),
      /^refuses: the token can't be verified: the keys of/,
    );
    const required: AcceptedIssuer = {
      rule: { issuer: "other", presence: "REQUIRED", fromHeaders: [{ name: "x-other" }] },
      jwks,
    };
    assert.equal(judged(good, [idp, required]), "refuses: a token of another issuer is required beside it");
  });

  test("judgeToken() knows proxies that look at no token, and those that don't know yet", async () => {
    assert.match(judged(await sign(), []), /^ignores: no RequestAuthentication/);
    assert.match(verdictOf(await sign(), new Map()), /^unknown: /);
  });
});
