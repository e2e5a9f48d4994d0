import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObject } from "../parse-object.ts";

function faults(action: string, rule: object): readonly string[] {
  const provider = action === "CUSTOM" ? { provider: { name: "asked" } } : {};
  const { findings } = parseObject({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "a", namespace: "shop" },
    spec: { action, ...provider, rules: [rule] },
  });
  return findings.map(({ code, path, message }) => `${code} ${path} ${/match\w+ \w+$/.exec(message)?.[0]}`);
}

const source = (fields: object) => ({ from: [{ source: fields }] });
const when = (key: string, fields: object) => ({ when: [{ key, ...fields }] });

test("AuthorizationPolicy refuses a CUSTOM rule that asks of a token", () => {
  const path = "spec.rules[0].from[0].source";
  assert.deepEqual(faults("CUSTOM", source({ requestPrincipals: ["*"] })), [
    `MLT2043 ${path}.requestPrincipals matches nobody`,
  ]);
  assert.deepEqual(faults("CUSTOM", source({ notRequestPrincipals: ["*"] })), [
    `MLT2043 ${path}.notRequestPrincipals matches everybody`,
  ]);
  assert.deepEqual(faults("CUSTOM", when("request.auth.claims[role]", { values: ["x"] })), [
    "MLT2043 spec.rules[0].when[0].key matches nobody",
  ]);
  assert.deepEqual(faults("CUSTOM", when("request.auth.principal", { notValues: ["x"] })), [
    "MLT2043 spec.rules[0].when[0].key matches everybody",
  ]);
});

test("AuthorizationPolicy takes tokens in other actions, and other fields in CUSTOM rules", () => {
  assert.deepEqual(faults("ALLOW", source({ requestPrincipals: ["*"] })), []);
  assert.deepEqual(faults("DENY", when("request.auth.claims[role]", { values: ["x"] })), []);
  assert.deepEqual(faults("CUSTOM", when("request.headers[x]", { values: ["x"] })), []);
  assert.deepEqual(faults("CUSTOM", source({ principals: ["*"] })), []);
});
