import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AuthorizationRule } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import type { AuthorizationAction, AuthorizationInputs } from "../../view/authorization-inputs.ts";
import { rulesByAction } from "./actions.ts";
import { type Caller, connectionExpression } from "./connection-expression.ts";

function inputs(...policies: readonly (readonly [AuthorizationAction, ...AuthorizationRule[]])[]) {
  return {
    policies: policies.map(([action, ...rules], at) => ({
      namespace: "shop",
      name: `p${at}`,
      action,
      isDryRun: false,
      provider: "",
      rules,
    })),
    providers: {},
    trustDomains: [],
    allowsSeveralProviders: true,
    explainsDenials: false,
  } satisfies AuthorizationInputs;
}

function textOf(of: AuthorizationInputs, caller: Caller = "authenticated"): string | undefined {
  return expressionOf(of, caller)?.text;
}

function expressionOf(of: AuthorizationInputs, caller: Caller = "authenticated") {
  return connectionExpression(rulesByAction(of, "tcp"), caller);
}

const fromReviews = { from: [{ source: { principals: ["td/ns/shop/sa/reviews"] } }] };
const fromRange = (range: string) => ({ from: [{ source: { ipBlocks: [range] } }] });

describe("connectionExpression()", () => {
  test("is absent where no policy decides", () => {
    assert.equal(expressionOf(inputs()), undefined);
    assert.equal(expressionOf(inputs(["AUDIT", {}])), undefined);
  });

  test("lets in whom an ALLOW names, and none whom a DENY names", () => {
    const san = "connection.uri_san_peer_certificate == 'spiffe://td/ns/shop/sa/reviews'";
    assert.equal(textOf(inputs(["ALLOW", fromReviews])), `(${san})`);
    assert.equal(textOf(inputs(["DENY", fromReviews])), `!(${san})`);
    assert.equal(
      textOf(inputs(["ALLOW", {}], ["DENY", { to: [{ operation: { ports: ["9000", "9001"] } }] }])),
      "!((destination.port == 9000) || (destination.port == 9001)) && (true)",
    );
  });

  test("says by which rule a connection isn't let in, or that none lets it in", () => {
    const denialOf = (of: AuthorizationInputs) =>
      expressionOf(of)?.denial.replaceAll("\\u005b", "[").replaceAll("\\u005d", "]");
    const denied = (rule: string) => `'rbac_access_denied_matched_policy[${rule}]'`;
    const ports = (port: string) => ({ to: [{ operation: { ports: [port] } }] });
    assert.equal(denialOf(inputs(["ALLOW", fromReviews])), denied("none"));
    assert.equal(
      denialOf(inputs(["DENY", ports("1"), ports("2")], ["ALLOW", {}])),
      `(destination.port == 1) ? ${denied("ns[shop]-policy[p0]-rule[0]")} : ` +
        `(destination.port == 2) ? ${denied("ns[shop]-policy[p0]-rule[1]")} : ${denied("none")}`,
    );
    assert.equal(denialOf(inputs(["DENY", {}])), denied("ns[shop]-policy[p0]-rule[0]"));
  });

  test("knows nobody without mTLS", () => {
    assert.equal(textOf(inputs(["ALLOW", fromReviews]), "anonymous"), "(false)");
    assert.equal(textOf(inputs(["DENY", fromReviews]), "anonymous"), "!(false)");
  });

  test("lets nobody in by an ALLOW without rules", () => {
    assert.equal(textOf(inputs(["ALLOW"])), "(false)");
  });

  test("takes what it can't say for what lets fewer in, also within a negation", () => {
    const unsayable = "fd00:0:0:1::/64";
    const { text, isExact } = expressionOf(inputs(["DENY", fromRange(unsayable)])) ?? {};
    assert.deepEqual([text, isExact], ["!(true)", false]);
    assert.equal(textOf(inputs(["ALLOW", fromRange(unsayable)])), "(false)");
    const notRange = { from: [{ source: { notIpBlocks: [unsayable] } }] };
    assert.equal(textOf(inputs(["ALLOW", notRange])), "(false)");
    assert.equal(textOf(inputs(["DENY", notRange])), "!(true)");
  });

  test("escapes what means something in a format or a string of CEL", () => {
    const rule = { from: [{ source: { principals: ["td/ns/a'b/sa/50%)x\\"] } }] };
    const text = textOf(inputs(["ALLOW", rule])) ?? "";
    assert.ok(text.includes("'spiffe://td/ns/a\\u0027b/sa/50\\u0025\\u0029x\\u005c'"), text);
    assert.doesNotMatch(text, /%/);
  });
});
