import assert from "node:assert/strict";
import { test } from "node:test";
import { inboundClusterName, outboundClusterName, outboundServerName } from "./cluster-name.ts";

const PARTS = { port: 9080, subset: "v1", hostname: "reviews.shop.svc.cluster.local" };

test("outboundClusterName() is Istio's", () => {
  assert.equal(outboundClusterName(PARTS), "outbound|9080|v1|reviews.shop.svc.cluster.local");
  assert.equal(
    outboundClusterName({ ...PARTS, subset: "" }),
    "outbound|9080||reviews.shop.svc.cluster.local",
  );
});

test("outboundServerName() is Istio's", () => {
  assert.equal(outboundServerName(PARTS), "outbound_.9080_.v1_.reviews.shop.svc.cluster.local");
});

test("inboundClusterName() names the port alone", () =>
  assert.equal(inboundClusterName(9080), "inbound|9080||"));
