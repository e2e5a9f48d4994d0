import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type JsonObject, toJson } from "@bufbuild/protobuf";
import { JwtAuthenticationSchema } from "../../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";
import type { JwtRule } from "../../kinds/request-authentication.ts";
import { messageIn } from "../encode.ts";
import { buildRequestAuthentication } from "./request-authentication.ts";
import { UNUSABLE_JWKS } from "./unusable-jwks.ts";

const JWKS = '{"keys":[]}';

describe("buildRequestAuthentication()", () => {
  test("is nothing where no issuer is accepted", () => {
    assert.deepEqual(buildRequestAuthentication({ issuers: [], isGateway: false }), []);
  });

  test("writes an issuer's provider as Istio does", () => {
    const rule: JwtRule = {
      issuer: "https://idp",
      audiences: ["shop", "bar"],
      fromHeaders: [{ name: "x-token", prefix: "Token " }, { name: "x-bare" }],
      fromParams: ["token"],
      fromCookies: ["session"],
      outputPayloadToHeader: "x-payload",
      outputClaimToHeaders: [{ header: "x-group", claim: "group.id" }],
      forwardOriginalToken: true,
      spaceDelimitedClaims: ["roles", "scope"],
    };
    assert.deepEqual(config([rule]), {
      providers: {
        "origins-0": {
          issuer: "https://idp",
          audiences: ["shop", "bar"],
          localJwks: { inlineString: JWKS },
          forward: true,
          fromHeaders: [{ name: "x-token", valuePrefix: "Token " }, { name: "x-bare" }],
          fromParams: ["token"],
          fromCookies: ["session"],
          forwardPayloadHeader: "x-payload",
          claimToHeaders: [{ headerName: "x-group", claimName: "group.id" }],
          payloadInMetadata: "payload",
          normalizePayloadInMetadata: { spaceDelimitedClaims: ["permission", "roles", "scope"] },
        },
      },
      rules: [
        {
          match: { prefix: "/" },
          requires: { requiresAny: { requirements: [{ providerName: "origins-0" }, { allowMissing: {} }] } },
        },
      ],
      bypassCorsPreflight: true,
    });
  });

  test("chooses a gateway's route again, and never a sidecar's", () => {
    assert.equal(providerOf({ issuer: "a" }, true).clearRouteCache, true);
    assert.equal(providerOf({ issuer: "a" }, false).clearRouteCache, undefined);
  });

  test("stands keys in that no token matches where there are none", () => {
    const [filter] = buildRequestAuthentication({
      issuers: [{ rule: { issuer: "a" }, jwks: undefined }],
      isGateway: false,
    });
    const providers = jsonOf(filter).providers as Record<string, JsonObject>;
    assert.deepEqual(providers["origins-0"]?.localJwks, { inlineString: UNUSABLE_JWKS });
  });

  test("of several issuers asks for a token of any, or for none that is invalid", () => {
    const optional = (name: string) => ({
      requiresAny: { requirements: [{ providerName: name }, { allowMissing: {} }] },
    });
    assert.deepEqual(requirementOf([{ issuer: "a" }, { issuer: "b" }]), {
      requiresAny: {
        requirements: [
          { providerName: "origins-0" },
          { providerName: "origins-1" },
          { requiresAll: { requirements: [optional("origins-0"), optional("origins-1")] } },
        ],
      },
    });
  });
});

describe("buildRequestAuthentication() of a token that is required", () => {
  const optional = (name: string) => ({
    requiresAny: { requirements: [{ providerName: name }, { allowMissing: {} }] },
  });

  test("asks for the token of the only issuer", () => {
    const [rule] = [{ issuer: "a", presence: "REQUIRED" }] as const;
    assert.deepEqual(requirementOf([rule]), { providerName: "origins-0" });
  });

  test("asks each issuer, so that another's token doesn't stand in", () => {
    assert.deepEqual(requirementOf([{ issuer: "a", presence: "REQUIRED" }, { issuer: "b" }]), {
      requiresAll: { requirements: [{ providerName: "origins-0" }, optional("origins-1")] },
    });
    const both = [
      { issuer: "a", presence: "REQUIRED" },
      { issuer: "b", presence: "REQUIRED" },
    ] as const;
    assert.deepEqual(requirementOf(both), {
      requiresAll: { requirements: [{ providerName: "origins-0" }, { providerName: "origins-1" }] },
    });
  });

  test("says that it is optional where the rule says so", () => {
    assert.deepEqual(requirementOf([{ issuer: "a", presence: "OPTIONAL" }]), optional("origins-0"));
  });
});

function requirementOf(rules: readonly JwtRule[]) {
  const [rule] = config(rules).rules as readonly JsonObject[];
  return rule?.requires;
}

function providerOf(rule: JwtRule, isGateway: boolean): JsonObject {
  const { providers } = config([rule], isGateway) as { readonly providers: Record<string, JsonObject> };
  return providers["origins-0"] as JsonObject;
}

function config(rules: readonly JwtRule[], isGateway = false): JsonObject {
  const issuers = rules.map((rule) => ({ rule, jwks: JWKS }));
  const [filter, ...others] = buildRequestAuthentication({ issuers, isGateway });
  assert.deepEqual(others, []);
  assert.equal(filter?.name, "envoy.filters.http.jwt_authn");
  return jsonOf(filter);
}

function jsonOf(filter: ReturnType<typeof buildRequestAuthentication>[number] | undefined): JsonObject {
  const message = messageIn(JwtAuthenticationSchema, filter?.configType.value);
  return toJson(JwtAuthenticationSchema, create(JwtAuthenticationSchema, message)) as JsonObject;
}
