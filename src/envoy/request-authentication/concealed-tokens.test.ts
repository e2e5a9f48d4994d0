import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigSchema } from "../../gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import type { JwtRule } from "../../kinds/request-authentication.ts";
import { messageIn } from "../encode.ts";
import { buildTokenConcealment } from "./concealed-tokens.ts";

function patternFor(...rules: readonly JwtRule[]): string | undefined {
  const issuers = rules.map((rule) => ({ rule, jwks: undefined }));
  const [filter] = buildTokenConcealment({ issuers, isGateway: false });
  if (filter === undefined) return undefined;
  const { onRequestHeaders: [value] = [] } = messageIn(ConfigSchema, filter.configType.value);
  const format = value?.value?.case === "formatString" ? value.value.value.format : undefined;
  const text = format?.case === "textFormatSource" ? format.value.specifier?.value : undefined;
  return /matches\('(.*?)'\)/.exec(String(text))?.[1];
}

describe("buildTokenConcealment()", () => {
  test("looks for every parameter that may hold a token, and for escaped names", () => {
    const pattern = patternFor({ issuer: "a", fromParams: ["token", "jwt"] }, { issuer: "b" });
    assert.equal(pattern, "[?&](?:access_token|jwt|token|[^=&]*\\\\x{25}[^=&]*)(?:=|&|$)");
  });

  test("is nothing where tokens are in headers and cookies alone", () => {
    assert.equal(patternFor({ issuer: "a", fromHeaders: [{ name: "x" }] }), undefined);
    assert.equal(patternFor({ issuer: "a", fromCookies: ["x"] }), undefined);
    assert.equal(patternFor(), undefined);
  });

  test("leaves no character of a name a meaning", () => {
    const pattern = patternFor({ issuer: "a", fromParams: ["a.b')%é"] });
    assert.match(pattern ?? "", /^\[\?&\]\(\?:a\\\\x\{2e\}b\\\\x\{27\}\\\\x\{29\}\\\\x\{25\}\\\\x\{e9\}\|/);
  });

  test("takes any query for one that may hold a token where the names are too many for Envoy", () => {
    const fromParams = Array.from({ length: 100 }, (_, index) => `parameter_${index}`);
    assert.equal(patternFor({ issuer: "a", fromParams }), "[?]");
  });
});
