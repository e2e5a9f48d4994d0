import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asJson, inputsOf, policyInputs } from "../../../tests/support/authorization-fixture.ts";
import { HttpFilterSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { AuthorizationProvider } from "../../view/authorization-inputs.ts";
import type { TypedFilter } from "../typed-filter.ts";
import { buildHttpAuthorization } from "./http-authorization.ts";

interface FilterJson {
  readonly name: string;
  readonly typedConfig: {
    readonly rules?: RulesJson;
    readonly shadowRules?: RulesJson;
    readonly shadowRulesStatPrefix?: string;
    readonly [key: string]: unknown;
  };
}

interface RulesJson {
  readonly action?: string;
  readonly policies?: Readonly<Record<string, object>>;
}

const SERVER = { hostname: "authz.shop", cluster: "outbound|9000||authz.shop" };
const GRPC: AuthorizationProvider = { kind: "grpc", settings: { port: 9000 }, server: SERVER };

function json(filters: readonly TypedFilter[]): readonly FilterJson[] {
  return filters.map((filter) => asJson(HttpFilterSchema, filter) as unknown as FilterJson);
}

function rulesIn({ typedConfig: { rules, shadowRules } }: FilterJson): readonly string[] {
  const names = (each: RulesJson | undefined) => Object.keys(each?.policies ?? {});
  return [...names(rules), ...names(shadowRules).map((name) => `shadow ${name}`)];
}

describe("buildHttpAuthorization()", () => {
  test("builds nothing without policies", () => {
    assert.deepEqual(buildHttpAuthorization(inputsOf([])), { custom: [], authorization: [] });
  });

  test("puts AUDIT before DENY before ALLOW, whatever the order of policies", () => {
    const policies = (["ALLOW", "AUDIT", "DENY"] as const).map((action) =>
      policyInputs({ action, name: action }),
    );
    const found = json(buildHttpAuthorization(inputsOf(policies)).authorization);
    assert.deepEqual(
      found.map(({ typedConfig: { rules } }) => rules?.action ?? "ALLOW"),
      ["LOG", "DENY", "ALLOW"],
    );
  });

  test("lets no request match a policy without rules, and keeps its filter", () => {
    const [filter] = json(buildHttpAuthorization(inputsOf([policyInputs({ rules: [] })])).authorization);
    assert.deepEqual(filter?.typedConfig.rules, {
      policies: {
        "ns[shop]-policy[web]-rule[0]": {
          permissions: [{ notRule: { any: true } }],
          principals: [{ notId: { any: true } }],
        },
      },
    });
  });

  test("names what stands for a policy with errors", () => {
    const refused = policyInputs({ action: "DENY", rules: [{}], isRefused: true });
    const [filter] = json(buildHttpAuthorization(inputsOf([refused])).authorization);
    assert.ok(filter);
    assert.deepEqual(rulesIn(filter), ["refused-shop-web"]);
  });

  test("keeps an ALLOW filter none of whose rules can be said: it allows nothing", () => {
    const rules = [{ to: [{ operation: { ports: ["http"] } }] }];
    const [filter] = json(buildHttpAuthorization(inputsOf([policyInputs({ rules })])).authorization);
    assert.deepEqual(filter?.typedConfig.rules, {});
  });

  test("sorts rules by name, for equal bytes", () => {
    const policies = [policyInputs({ name: "b" }), policyInputs({ name: "a", rules: [{}, {}] })];
    const [filter] = json(buildHttpAuthorization(inputsOf(policies)).authorization);
    assert.deepEqual(filter && rulesIn(filter), [
      "ns[shop]-policy[a]-rule[0]",
      "ns[shop]-policy[a]-rule[1]",
      "ns[shop]-policy[b]-rule[0]",
    ]);
  });

  for (const [action, prefix] of [
    ["ALLOW", "istio_dry_run_allow_"],
    ["DENY", "istio_dry_run_deny_"],
    ["AUDIT", undefined],
  ] as const) {
    test(`makes shadow rules of a dry run of ${action}, and no others`, () => {
      const inputs = inputsOf([policyInputs({ action, isDryRun: true })]);
      const [filter, ...more] = json(buildHttpAuthorization(inputs).authorization);
      assert.deepEqual(more, []);
      assert.deepEqual(filter && rulesIn(filter), ["shadow ns[shop]-policy[web]-rule[0]"]);
      assert.equal(filter?.typedConfig.rules, undefined);
      assert.equal(filter?.typedConfig.shadowRulesStatPrefix, prefix);
    });
  }
});

describe("buildHttpAuthorization() for CUSTOM", () => {
  const custom = (provider: string, isDryRun = false) =>
    policyInputs({ action: "CUSTOM", provider, name: provider, isDryRun });

  test("asks each of several providers about its own rules", () => {
    const inputs = inputsOf([custom("b"), custom("a")], { providers: { a: GRPC, b: GRPC } });
    const found = json(buildHttpAuthorization(inputs).custom);
    assert.deepEqual(
      found.map(({ name }) => name.slice("envoy.filters.http.".length)),
      ["rbac", "ext_authz", "rbac", "ext_authz"],
    );
    assert.deepEqual(found.flatMap(rulesIn), [
      "shadow istio-ext-authz-a-ns[shop]-policy[a]-rule[0]",
      "shadow istio-ext-authz-b-ns[shop]-policy[b]-rule[0]",
    ]);
  });

  test("denies what the rules match where several providers aren't allowed", () => {
    const inputs = inputsOf([custom("a"), custom("b")], {
      providers: { a: GRPC, b: GRPC },
      allowsSeveralProviders: false,
    });
    assert.deepEqual(json(buildHttpAuthorization(inputs).custom).flatMap(rulesIn), [
      "istio-ext-authz-a-ns[shop]-policy[a]-rule[0]-deny-due-to-bad-CUSTOM-action",
      "istio-ext-authz-b-ns[shop]-policy[b]-rule[0]-deny-due-to-bad-CUSTOM-action",
    ]);
  });

  test("asks nobody in a dry run", () => {
    const inputs = inputsOf([custom("a", true)], { providers: { a: GRPC } });
    assert.deepEqual(buildHttpAuthorization(inputs).custom, []);
  });

  const http = (settings: object): AuthorizationProvider => ({
    kind: "http",
    settings: { port: 9000, ...settings },
    server: SERVER,
  });
  for (const [name, provider] of [
    ["isn't there", undefined],
    ["has no server", { ...GRPC, server: undefined }],
    ["has an unknown status", http({ statusOnError: "999" })],
    ["has a status that is no number", http({ statusOnError: "0x193" })],
    ["has a port out of range", http({ port: 0 })],
    ["has a relative path", http({ pathPrefix: "check" })],
    ["wants every header checked", http({ includeRequestHeadersInCheck: ["*"] })],
    ["adds every header", http({ headersToUpstreamOnAllow: ["a", "*"] })],
  ] as const) {
    test(`denies what the rules match where the provider ${name}`, () => {
      const providers: Record<string, AuthorizationProvider> = provider === undefined ? {} : { a: provider };
      const found = json(buildHttpAuthorization(inputsOf([custom("a")], { providers })).custom);
      assert.equal(found.length, 1);
      assert.equal(found[0]?.typedConfig.rules?.action, "DENY");
      assert.equal(found[0]?.typedConfig.rules?.policies === undefined, false);
    });
  }

  test("sets every option of a provider that is asked by HTTP", () => {
    const settings = {
      ...{
        timeout: "1.5s",
        pathPrefix: "/check",
        failOpen: true,
        clearRouteCache: true,
        statusOnError: "503",
      },
      includeHeadersInCheck: ["ignored"],
      includeRequestHeadersInCheck: ["x-a", "x-b-*"],
      includeAdditionalHeadersInCheck: { "x-two": "2", "x-one": "1" },
      includeRequestBodyInCheck: { maxRequestBytes: 10, allowPartialMessage: true, packAsBytes: true },
      headersToUpstreamOnAllow: ["authorization"],
      headersToDownstreamOnDeny: ["set-cookie"],
      headersToDownstreamOnAllow: ["*-id"],
    };
    const inputs = inputsOf([custom("a")], { providers: { a: http(settings) } });
    const [, filter] = json(buildHttpAuthorization(inputs).custom);
    const { "@type": _type, ...config } = filter?.typedConfig ?? {};
    const names = (...patterns: readonly object[]) => ({
      patterns: patterns.map((pattern) => ({ ...pattern, ignoreCase: true })),
    });
    assert.deepEqual(config, {
      httpService: {
        serverUri: { uri: "http://authz.shop", cluster: SERVER.cluster, timeout: "1.500s" },
        pathPrefix: "/check",
        authorizationRequest: {
          headersToAdd: [
            { key: "x-one", value: "1" },
            { key: "x-two", value: "2" },
          ],
        },
        authorizationResponse: {
          allowedUpstreamHeaders: names({ exact: "authorization" }),
          allowedClientHeaders: names({ exact: "set-cookie" }),
          allowedClientHeadersOnSuccess: names({ suffix: "-id" }),
        },
      },
      allowedHeaders: names({ exact: "x-a" }, { prefix: "x-b-" }),
      transportApiVersion: "V3",
      failureModeAllow: true,
      withRequestBody: { maxRequestBytes: 10, allowPartialMessage: true, packAsBytes: true },
      clearRouteCache: true,
      statusOnError: { code: "ServiceUnavailable" },
      filterEnabledMetadata: {
        filter: "envoy.filters.http.rbac",
        path: [{ key: "istio_ext_authz_shadow_effective_policy_id" }],
        value: { stringMatch: { prefix: "istio-ext-authz-a" } },
      },
    });
  });
});
