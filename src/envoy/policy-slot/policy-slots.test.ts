import assert from "node:assert/strict";
import { test } from "node:test";
import { FilterChainConfigSchema } from "../../gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { kindsWithRole } from "../../kinds/all-kinds.ts";
import { messageIn } from "../encode.ts";
import { httpPolicySlots, httpSlotsOf, networkPolicySlots, networkSlotsOf } from "../slot-order.ts";
import { typedFilter } from "../typed-filter.ts";
import { buildPolicySlots } from "./policy-slots.ts";

test("buildPolicySlots() fills every slot of the kind, and those of no other", () => {
  assert.deepEqual(names("RequestAuthentication"), ["meltemi.http.token-concealment", "meltemi.http.jwt"]);
  const authorization = names("AuthorizationPolicy");
  assert.equal(
    authorization.length,
    httpSlotsOf("AuthorizationPolicy").length + networkSlotsOf("AuthorizationPolicy").length,
  );
  assert.ok(!authorization.includes("meltemi.http.jwt"));
});

test("buildPolicySlots() puts filters into their slot, and nothing into the others", () => {
  const filter = typedFilter("envoy.filters.http.router", RouterSchema, {});
  const built = buildPolicySlots("AuthorizationPolicy", { http: { authorization: [filter] } });
  const filled = built.filter(
    ({ typedConfig }) =>
      typedConfig?.typeUrl?.endsWith(FilterChainConfigSchema.typeName) &&
      messageIn(FilterChainConfigSchema, typedConfig).defaultFilterChain !== undefined,
  );
  assert.deepEqual(
    filled.map(({ name }) => name),
    ["meltemi.http.authorization"],
  );
});

test("every slot that isn't built in belongs to one enforced kind", () => {
  const kinds = kindsWithRole("enforced").map(({ kind }) => kind as "AuthorizationPolicy");
  assert.deepEqual(kinds.flatMap(httpSlotsOf).sort(), [...httpPolicySlots].sort());
  assert.deepEqual(kinds.flatMap(networkSlotsOf).sort(), [...networkPolicySlots].sort());
});

function names(kind: "AuthorizationPolicy" | "RequestAuthentication") {
  return buildPolicySlots(kind, {}).map(({ name }) => name);
}
