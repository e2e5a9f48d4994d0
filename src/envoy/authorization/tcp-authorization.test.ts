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
  return buildTcpAuthorization(inputsOf([CUSTOM], { providers })).custom.map(({ name = "" }) => name);
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
  const [filter, ...more] = buildTcpAuthorization(inputsOf([CUSTOM])).custom;
  assert.deepEqual(more, []);
  assert.match(JSON.stringify(filter && asJson(FilterSchema, filter)), /"action":"DENY".*bad-CUSTOM-action/);
});
