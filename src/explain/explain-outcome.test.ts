import assert from "node:assert/strict";
import { test } from "node:test";
import type { TapEvent } from "../core/tap-event.ts";
import { explainOutcome } from "./explain-outcome.ts";

const event: TapEvent = {
  kind: "http",
  direction: "out",
  at: "2026-12-01T09:42:58.599Z",
  durationMs: 3,
  caller: { workload: "web", namespace: "shop" },
  called: { workload: "reviews-v1", namespace: "shop", address: "10.244.0.3:8080" },
  isMutualTls: true,
  service: "reviews.shop.svc.cluster.local",
  status: 503,
  receivedBytes: 100,
  sentBytes: 200,
  flags: [],
  route: { name: "slow", from: ["VirtualService/shop/reviews spec.http[0]"] },
  cluster: {
    name: "outbound|80|v1|reviews.shop.svc.cluster.local",
    from: ["DestinationRule/shop/reviews", "Service/shop/reviews"],
  },
};

for (const [changes, words] of [
  [{}, undefined],
  [{ flags: ["UH"] }, "UH: no healthy endpoint of reviews.shop.svc.cluster.local"],
  [
    { flags: ["UF", "URX"], failure: "delayed_connect_error:_Connection_refused" },
    "UF: no connection to 10.244.0.3:8080: delayed connect error: Connection refused; URX: every try failed",
  ],
  [{ flags: ["UO"] }, "UO: a limit of DestinationRule shop/reviews is reached"],
  [{ flags: ["UT"] }, "UT: no answer within the timeout of VirtualService shop/reviews spec.http[0]"],
  [{ flags: ["FI"] }, "FI: aborted by the fault of VirtualService shop/reviews spec.http[0]"],
  [{ flags: ["NR"], route: undefined }, "NR: no route takes it"],
  [{ flags: ["NEWER"] }, "NEWER"],
  [
    { details: "rbac_access_denied_matched_policy[ns[shop]-policy[closed]-rule[2]]", flags: ["UF", "URX"] },
    "denied by rule 2 of AuthorizationPolicy shop/closed",
  ],
  [{ details: "rbac_access_denied_matched_policy[none]" }, "denied: no rule of its ALLOW policies matches"],
  [{ details: "jwt_authn_access_denied{Jwt_is_missing}" }, "token refused: Jwt is missing"],
  [
    { details: "ext_authz_denied[istio-ext-authz-opa-ns[shop]-policy[ask]-rule[0]]", flags: ["UAEX"] },
    "denied by the provider that rule 0 of AuthorizationPolicy shop/ask asks",
  ],
] as const) {
  test(`explainOutcome() of ${JSON.stringify(changes)}`, () => {
    assert.equal(explainOutcome({ ...event, ...changes } as TapEvent), words);
  });
}

test("explainOutcome() says the limit that is reached, where who asks knows it", () => {
  const limit = "the limit of 1 connection in DestinationRule shop/reviews";
  assert.equal(explainOutcome({ ...event, flags: ["UO"] }, { limit }), `UO: ${limit}`);
});
