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

test("AuthorizationPolicy refuses a dry run that isn't one", () => {
  const dryRun = (value: string, action = "DENY") =>
    findings({ action, rules: [{}] }, { "istio.io/dry-run": value });
  for (const value of ["true", "false", "T", "0"]) assert.deepEqual(dryRun(value), [], value);
  const [found] = dryRun("yes");
  assert.deepEqual([found?.severity, found?.path], [undefined, 'metadata.annotations["istio.io/dry-run"]']);
  assert.match(found?.message ?? "", /found "yes", wanted "true" or "false"/);
  assert.match(dryRun("true", "AUDIT")[0]?.message ?? "", /only ALLOW and DENY can be a dry run/);
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

test("AuthorizationPolicy refuses what would match nothing, or everything, by an empty list", () => {
  const paths = (spec: object) => findings(spec).map(({ path }) => path);
  assert.deepEqual(paths({ action: "DENY" }), ["spec.rules"]);
  assert.deepEqual(paths({ action: "DENY", rules: [{}] }), []);
  assert.deepEqual(paths({}), []);
  assert.deepEqual(paths({ rules: [{ from: [] }] }), ["spec.rules[0].from"]);
  assert.deepEqual(paths({ rules: [{ to: [], when: [] }] }), ["spec.rules[0].to"]);
});

test("AuthorizationPolicy takes the targets that Istio takes", () => {
  const target = (group: string | undefined, kind: string) =>
    findings({ targetRefs: [{ group, kind, name: "a" }], rules: [{}] }).map(({ path }) => path);
  assert.deepEqual(target("gateway.networking.k8s.io", "Gateway"), []);
  assert.deepEqual(target("", "Service"), []);
  assert.deepEqual(target("networking.istio.io", "Gateway"), ["spec.targetRefs[0]"]);
});
