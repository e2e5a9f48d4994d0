import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesForProxy } from "./proxy-addresses.ts";

const BOTH = ["10.96.0.1", "fd00::1"];

test("addressesForProxy() keeps the proxy's family", () => {
  assert.deepEqual(addressesForProxy(BOTH, { proxyAddresses: ["fd00::9"], isDualStack: false }), ["fd00::1"]);
});

test("addressesForProxy() gives a proxy of both families the one named first", () => {
  const proxyAddresses = ["fd00::9", "10.244.0.9"];
  assert.deepEqual(addressesForProxy(BOTH, { proxyAddresses, isDualStack: false }), ["10.96.0.1"]);
});

test("addressesForProxy() gives both in a dual-stack mesh", () => {
  const proxyAddresses = ["10.244.0.9", "fd00::9"];
  assert.deepEqual(addressesForProxy(BOTH, { proxyAddresses, isDualStack: true }), BOTH);
});

test("addressesForProxy() falls back to the first where none fits", () => {
  assert.deepEqual(addressesForProxy(["10.96.0.1"], { proxyAddresses: ["fd00::9"], isDualStack: false }), [
    "10.96.0.1",
  ]);
  assert.deepEqual(addressesForProxy([], { proxyAddresses: ["fd00::9"], isDualStack: false }), []);
});

test("addressesForProxy() knows the family of a range", () => {
  const ranges = ["fd00::/8", "10.0.0.0/8"];
  assert.deepEqual(addressesForProxy(ranges, { proxyAddresses: ["10.244.0.9"], isDualStack: false }), [
    "10.0.0.0/8",
  ]);
});
