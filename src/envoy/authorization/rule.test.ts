import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asJson } from "../../../tests/support/authorization-fixture.ts";
import { PolicySchema } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { AuthorizationRule } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { translateRule } from "./rule.ts";
import type { RuleContext } from "./rule-context.ts";

const CONTEXT: RuleContext = { transport: "http", namespace: "shop", trustDomains: ["cluster.local"] };
const TCP: RuleContext = { ...CONTEXT, transport: "tcp" };

function translated(rule: AuthorizationRule, mode: "strict" | "lenient" = "strict", context = CONTEXT) {
  const policy = translateRule(rule, context, mode);
  return policy === undefined ? undefined : asJson(PolicySchema, policy);
}

const ANY = {
  permissions: [{ andRules: { rules: [{ any: true }] } }],
  principals: [{ andIds: { ids: [{ any: true }] } }],
};

/** The one matcher of the only value of a source. */
function principalOf(source: object): unknown {
  return deepest(translated({ from: [{ source }] }), "principals", ["andIds", "orIds"]);
}

function permissionOf(operation: object): unknown {
  return deepest(translated({ to: [{ operation }] }), "permissions", ["andRules", "orRules"]);
}

function deepest(policy: unknown, side: string, groups: readonly string[]): unknown {
  let value = (policy as Record<string, readonly unknown[]>)[side]?.[0];
  for (const group of groups) {
    const members = Object.values((value as Record<string, object>)[group] ?? {})[0] as readonly unknown[];
    assert.equal(members.length, 1, JSON.stringify(value));
    value = members[0];
  }
  return value;
}

test("translateRule() takes a rule without fields for any request", () => {
  assert.deepEqual(translated({}), ANY);
  assert.deepEqual(translated({ from: [], to: [], when: [] }), ANY);
});

describe("translateRule() translates a source's", () => {
  const regex = (text: string) => ({ authenticated: { principalName: { safeRegex: { regex: text } } } });
  for (const [source, wanted] of [
    [
      { principals: ["cluster.local/ns/a/sa/b"] },
      { authenticated: { principalName: { exact: "spiffe://cluster.local/ns/a/sa/b" } } },
    ],
    [{ principals: ["*/sa/a.b"] }, regex("spiffe://.*/sa/a\\.b")],
    [{ principals: ["*"] }, regex(".+")],
    [{ namespaces: ["a*"] }, regex(".*/ns/a.*/.*")],
    [{ serviceAccounts: ["a.b"] }, regex("spiffe://.+/ns/shop/(.+/|)sa/a\\.b(/.+)?")],
    [{ serviceAccounts: ["other/b"] }, regex("spiffe://.+/ns/other/(.+/|)sa/b(/.+)?")],
    [{ trustDomains: ["corp"] }, { authenticated: { principalName: { prefix: "spiffe://corp/" } } }],
    [{ trustDomains: ["corp*"] }, regex("spiffe://corp[^/]*/.*")],
    [{ ipBlocks: ["10.0.0.0/8"] }, { directRemoteIp: { addressPrefix: "10.0.0.0", prefixLen: 8 } }],
    [{ remoteIpBlocks: ["fd00::1"] }, { remoteIp: { addressPrefix: "fd00::1", prefixLen: 128 } }],
  ] as const) {
    test(JSON.stringify(source), () => assert.deepEqual(principalOf(source), wanted));
  }
});

describe("translateRule() translates an operation's", () => {
  const template = (pathTemplate: string) => ({
    uriTemplate: {
      name: "uri-template",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
        pathTemplate,
      },
    },
  });
  const host = (stringMatch: object) => ({ header: { name: ":authority", stringMatch } });
  for (const [operation, wanted] of [
    [{ hosts: ["*.A.com"] }, host({ suffix: ".A.com", ignoreCase: true })],
    [{ hosts: ["*"] }, { header: { name: ":authority", presentMatch: true } }],
    [{ methods: ["GE*"] }, { header: { name: ":method", stringMatch: { prefix: "GE" } } }],
    [{ paths: ["*"] }, { urlPath: { path: { safeRegex: { regex: ".+" } } } }],
    [{ paths: ["/a/{*}/b/{**}"] }, template("/a/*/b/**")],
    [{ ports: ["0"] }, { destinationPort: 0 }],
  ] as const) {
    test(JSON.stringify(operation), () => assert.deepEqual(permissionOf(operation), wanted));
  }
});

describe("translateRule() on what can't be said", () => {
  const cases: readonly (readonly [string, AuthorizationRule])[] = [
    ["a port out of range", { to: [{ operation: { ports: ["65536"] } }] }],
    ["a port that is no number", { to: [{ operation: { ports: ["0x50"] } }] }],
    ["an address that is none", { from: [{ source: { ipBlocks: ["10.0.0"] } }] }],
    ["a template that Envoy can't read", { to: [{ operation: { paths: ["/{**}/{*}"] } }] }],
    ["a list with one that can't be said", { to: [{ operation: { ports: ["80", "http"] } }] }],
    ["a header that breaks lines", { when: [{ key: "request.headers[a\nb]", values: ["1"] }] }],
    [
      "a filter's metadata with an empty key",
      { when: [{ key: "experimental.envoy.filters.a[]", values: ["1"] }] },
    ],
    ["a condition that nobody knows", { when: [{ key: "request.size", values: ["1"] }] }],
    ["a header without a name", { when: [{ key: "request.headers[]", values: ["1"] }] }],
    ["a claim without brackets", { when: [{ key: "request.auth.claims.iss", values: ["1"] }] }],
    ["a filter's metadata without a key", { when: [{ key: "experimental.envoy.filters.a", values: ["1"] }] }],
  ];
  for (const [name, rule] of cases) {
    test(`${name}: a strict rule is left out, a lenient one matches more`, () => {
      assert.equal(translated(rule, "strict"), undefined);
      assert.deepEqual(translated(rule, "lenient"), ANY);
    });
  }

  test("leaves a strict rule out for one alternative of several", () => {
    const rule = { to: [{ operation: { ports: ["80"] } }, { operation: { ports: ["http"] } }] };
    assert.equal(translated(rule, "strict"), undefined);
  });

  test("excludes what can be said of a list of exceptions", () => {
    const rule = { to: [{ operation: { notPorts: ["80", "http"] } }] };
    const ofPort = translated({ to: [{ operation: { notPorts: ["80"] } }] });
    assert.deepEqual(translated(rule, "lenient"), ofPort);
  });

  for (const [name, rule] of [
    ["methods", { to: [{ operation: { methods: ["GET"] } }] }],
    ["notPaths", { to: [{ operation: { notPaths: ["/a"] } }] }],
    ["hosts", { to: [{ operation: { hosts: ["a"] } }] }],
    ["requestPrincipals", { from: [{ source: { requestPrincipals: ["a/b"] } }] }],
    ["headers", { when: [{ key: "request.headers[a]", values: ["b"] }] }],
    ["claims", { when: [{ key: "request.auth.claims[a]", notValues: ["b"] }] }],
    ["audiences", { when: [{ key: "request.auth.audiences", values: ["b"] }] }],
    ["presenters", { when: [{ key: "request.auth.presenter", values: ["b"] }] }],
  ] as const) {
    test(`counts ${name} of a TCP connection to it`, () => {
      assert.equal(translated(rule, "strict", TCP), undefined);
      assert.deepEqual(translated(rule, "lenient", TCP), ANY);
      assert.notDeepEqual(translated(rule, "strict"), undefined);
    });
  }

  test("keeps what a TCP connection has too", () => {
    const rule = { to: [{ operation: { ports: ["80"], methods: ["GET"] } }] };
    const ofPort = translated({ to: [{ operation: { ports: ["80"] } }] });
    assert.deepEqual(translated(rule, "lenient", TCP), ofPort);
  });
});

test("translateRule() parts issuer and subject at the last slash, with one wildcard at an end", () => {
  const claims = (value: string) => {
    const { andIds } = deepest(
      translated({ from: [{ source: { requestPrincipals: [value] } }] }),
      "principals",
      ["andIds"],
    ) as { andIds: { ids: readonly { metadata: { value: { stringMatch: object } } }[] } };
    return andIds.ids.map(({ metadata }) => metadata.value.stringMatch);
  };
  const any = { safeRegex: { regex: ".+" } };
  assert.deepEqual(claims("https://a.com/b"), [{ exact: "https://a.com" }, { exact: "b" }]);
  assert.deepEqual(claims("https://a.com/*"), [{ exact: "https://a.com" }, any]);
  assert.deepEqual(claims("*.com/b"), [{ suffix: ".com" }, { exact: "b" }]);
  assert.deepEqual(claims("*/b"), [any, { exact: "b" }]);
  assert.deepEqual(claims("*b"), [any, { suffix: "b" }]);
  assert.deepEqual(claims("a*"), [{ prefix: "a" }, any]);
  assert.deepEqual(claims("a"), [{ exact: "a" }, { exact: "" }]);
  assert.deepEqual(claims("*"), [any, any]);
});
