import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObject } from "../parse-object.ts";

function findings(spec: object, annotations: object = {}) {
  const metadata = { name: "a", namespace: "shop", annotations };
  return parseObject({ apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec })
    .findings;
}

const when = (key: string, value = "10.0.0.1") => findings({ rules: [{ when: [{ key, values: [value] }] }] });

test("AuthorizationPolicy takes each key that a condition may have", () => {
  const names = [
    "request.headers[x-token]",
    "request.auth.claims[a][b]",
    "source.serviceAccount",
    "remote.ip",
  ];
  for (const key of [...names, "experimental.envoy.filters.a.b[c]"]) assert.deepEqual(when(key), [], key);
  assert.deepEqual(when("destination.port", "8080"), []);
});

test("AuthorizationPolicy refuses a condition on what nobody knows", () => {
  const [found] = when("request.header[x-token]");
  assert.equal(found?.path, "spec.rules[0].when[0].key");
  assert.equal(found?.severity, undefined);
  assert.match(
    found?.message ?? "",
    /^unknown key "request\.header\[x-token\]", wanted one of "source\.ip", /,
  );
  assert.equal(found?.hint, 'did you mean "request.headers"?');
  for (const key of ["request.headers", "request.headers[]", "request.auth.claims[a"])
    assert.match(when(key)[0]?.message ?? "", /wanted a name in brackets/, key);
});

test("AuthorizationPolicy warns of a dry run that isn't one", () => {
  const dryRun = (value: string) => findings({ action: "DENY", rules: [{}] }, { "istio.io/dry-run": value });
  for (const value of ["true", "false", "T", "0"]) assert.deepEqual(dryRun(value), [], value);
  const [found] = dryRun("yes");
  assert.deepEqual([found?.severity, found?.path], ["warning", 'metadata.annotations["istio.io/dry-run"]']);
  assert.match(found?.message ?? "", /found "yes", wanted "true" or "false"; the policy is enforced/);
});

test("AuthorizationPolicy warns of a principal with the scheme of a SPIFFE ID, which names nobody", () => {
  const principal = "spiffe://cluster.local/ns/shop/sa/web";
  for (const field of ["principals", "notPrincipals"]) {
    const [found] = findings({ rules: [{ from: [{ source: { [field]: [principal] } }] }] });
    assert.deepEqual([found?.severity, found?.path], ["warning", `spec.rules[0].from[0].source.${field}[0]`]);
    assert.equal(found?.hint, 'write "cluster.local/ns/shop/sa/web"');
  }
  const [condition] = findings({ rules: [{ when: [{ key: "source.principal", values: [principal] }] }] });
  assert.equal(condition?.path, "spec.rules[0].when[0].values[0]");
});
