import assert from "node:assert/strict";
import { test } from "node:test";
import { alternativeHostnames, virtualHostDomains } from "./virtual-host-domains.ts";

const SHOP = "shop.svc.cluster.local";

test("virtualHostDomains() leaves alone what can't be shortened", () => {
  assert.deepEqual(virtualHostDomains({ hostname: "*.example.com", addresses: [], proxyDomain: SHOP }), [
    "*.example.com",
    "*.example.com.",
  ]);
  assert.deepEqual(virtualHostDomains({ hostname: "fd00::1", addresses: ["::"], proxyDomain: SHOP }), [
    "[fd00::1]",
  ]);
});

test("virtualHostDomains() adds a wildcard for the pods of a headless service", () => {
  const facts = {
    hostname: "db.other.svc.cluster.local",
    addresses: [],
    proxyDomain: SHOP,
    isHeadless: true,
  };
  assert.deepEqual(virtualHostDomains(facts), [
    "db.other.svc.cluster.local",
    "db.other.svc.cluster.local.",
    "db.other",
    "db.other.svc",
    "*.db.other.svc.cluster.local",
    "*.db.other.svc.cluster.local.",
    "*.db.other",
    "*.db.other.svc",
  ]);
});

test("alternativeHostnames() shortens no name of another cluster's domain", () => {
  assert.deepEqual(alternativeHostnames("web.shop.svc.elsewhere.net", SHOP), []);
});
