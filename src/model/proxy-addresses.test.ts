import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesForProxy } from "./proxy-addresses.ts";

const BOTH = ["10.96.0.1", "fd00::1"];

test("addressesForProxy() keeps the proxy's families", () => {
  assert.deepEqual(addressesForProxy(BOTH, "ipv4"), ["10.96.0.1"]);
  assert.deepEqual(addressesForProxy(BOTH, "ipv6"), ["fd00::1"]);
  assert.deepEqual(addressesForProxy(BOTH, "dual"), BOTH);
});

test("addressesForProxy() falls back to the first where none fits", () => {
  assert.deepEqual(addressesForProxy(["10.96.0.1", "10.96.0.2"], "ipv6"), ["10.96.0.1"]);
  assert.deepEqual(addressesForProxy([], "ipv6"), []);
});

test("addressesForProxy() knows the family of a range", () => {
  assert.deepEqual(addressesForProxy(["10.0.0.0/8", "fd00::/64"], "ipv4"), ["10.0.0.0/8"]);
});
