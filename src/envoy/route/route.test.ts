// What one route becomes where nothing else decides.

import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../../core/object-key.ts";
import type { RouteInputs } from "../../view/route-inputs.ts";
import { buildRoute } from "./route.ts";

const reviews = objectKey({ kind: "VirtualService", namespace: "shop", name: "reviews" });

function routeInputs(rest: Partial<RouteInputs>): RouteInputs {
  return {
    name: "",
    destinations: [],
    mirrors: [],
    operation: "reviews.shop.svc.cluster.local:9080/*",
    source: [{ object: reviews, path: "spec.http[0]" }],
    ...rest,
  };
}

test("buildRoute() answers 503 where a rule leads nowhere", () => {
  const { action } = buildRoute(routeInputs({ rule: {} }));
  assert.deepEqual(action, { case: "directResponse", value: { status: 503 } });
});

test("buildRoute() forwards every path to its one destination, without a time limit", () => {
  const destinations = [
    { cluster: "outbound|9080||reviews.shop.svc.cluster.local", weight: 1, isSniffed: false },
  ];
  const { match, action } = buildRoute(routeInputs({ destinations }));
  assert.deepEqual(match, { pathSpecifier: { case: "prefix", value: "/" } });
  assert.ok(action?.case === "route");
  assert.deepEqual(action.value.clusterSpecifier, { case: "cluster", value: destinations[0]?.cluster });
  assert.deepEqual(action.value.timeout, { seconds: 0n, nanos: 0 });
});

test("buildRoute() says in its metadata which object made it, and where in it", () => {
  const { metadata } = buildRoute(routeInputs({ rule: {} }));
  assert.deepEqual(metadata?.filterMetadata, {
    istio: { config: "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews" },
    meltemi: { from: [{ kind: "VirtualService", name: "reviews", namespace: "shop", path: "spec.http[0]" }] },
  });
});
