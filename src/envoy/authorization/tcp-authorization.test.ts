import assert from "node:assert/strict";
import { test } from "node:test";
import { asJson, inputsOf, policyInputs } from "../../../tests/support/authorization-fixture.ts";
import { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { AuthorizationProvider } from "../../view/authorization-inputs.ts";
import { buildTcpAuthorization } from "./tcp-authorization.ts";

const SERVER = { hostname: "authz.shop", cluster: "outbound|9000||authz.shop" };
const CUSTOM = policyInputs({ action: "CUSTOM", provider: "a" });

function customNames(kind: AuthorizationProvider["kind"]): readonly string[] {
  const providers = { a: { kind, settings: { port: 9000 }, server: SERVER } };
  const { custom } = buildTcpAuthorization(inputsOf([CUSTOM], { providers }));
  return custom.flatMap(({ rules, provider }) => [rules, provider].flatMap((each) => each?.name ?? []));
}

test("buildTcpAuthorization() builds one filter for each action that a policy has", () => {
  assert.deepEqual(buildTcpAuthorization(inputsOf([])), { custom: [] });
  const { deny, ...none } = buildTcpAuthorization(inputsOf([policyInputs({ action: "DENY" })]));
  assert.deepEqual(none, { custom: [] });
  assert.deepEqual(deny && asJson(FilterSchema, deny), {
    name: "envoy.filters.network.rbac",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC",
      rules: {
        action: "DENY",
        policies: {
          "ns[shop]-policy[web]-rule[0]": {
            permissions: [{ andRules: { rules: [{ any: true }] } }],
            principals: [{ andIds: { ids: [{ any: true }] } }],
          },
        },
      },
      statPrefix: "tcp.",
      shadowRulesStatPrefix: "istio_dry_run_allow_",
    },
  });
});

test("buildTcpAuthorization() asks a provider by gRPC, and none by HTTP", () => {
  assert.deepEqual(customNames("grpc"), ["envoy.filters.network.rbac", "envoy.filters.network.ext_authz"]);
  assert.deepEqual(customNames("http"), []);
});

test("buildTcpAuthorization() denies what CUSTOM rules match where the provider isn't there", () => {
  const [check, ...more] = buildTcpAuthorization(inputsOf([CUSTOM])).custom;
  assert.deepEqual([more, check?.provider], [[], undefined]);
  assert.match(
    JSON.stringify(check && asJson(FilterSchema, check.rules)),
    /"action":"DENY".*bad-CUSTOM-action/,
  );
});

test("buildTcpAuthorization() checks each provider by itself, and denies for want of one at the first", () => {
  const providers = { a: { kind: "grpc", settings: { port: 9000 }, server: SERVER } } as const;
  const policies = ["a", "b", "gone"].map((provider) =>
    policyInputs({ action: "CUSTOM", provider, name: provider }),
  );
  const inputs = inputsOf(policies, { providers: { ...providers, b: providers.a } });
  const checks = buildTcpAuthorization(inputs).custom.map(({ rules, provider }) => {
    const { typedConfig } = asJson(FilterSchema, rules) as unknown as {
      readonly typedConfig: Record<"rules" | "shadowRules", { readonly policies: object } | undefined>;
    };
    const names = (each?: { readonly policies: object }) =>
      Object.keys(each?.policies ?? {}).map((name) => /policy\[(\w+)\]/.exec(name)?.[1]);
    return [names(typedConfig.rules), names(typedConfig.shadowRules), provider !== undefined];
  });
  assert.deepEqual(checks, [
    [["gone"], ["a"], true],
    [[], ["b"], true],
  ]);
});
