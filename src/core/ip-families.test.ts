import assert from "node:assert/strict";
import { test } from "node:test";
import { appSourcesOf, ipFamiliesOf, loopbacksOf, wildcardsOf } from "./ip-families.ts";

test("ipFamiliesOf() tells one family from both", () => {
  assert.equal(ipFamiliesOf(["10.244.0.9"]), "ipv4");
  assert.equal(ipFamiliesOf(["fd00::9"]), "ipv6");
  assert.equal(ipFamiliesOf(["fd00::9", "10.244.0.9"]), "dual");
  assert.equal(ipFamiliesOf([]), "ipv4");
});

test("addresses of both families lead with IPv4's", () => {
  assert.deepEqual(wildcardsOf("ipv4"), ["0.0.0.0"]);
  assert.deepEqual(wildcardsOf("ipv6"), ["::"]);
  assert.deepEqual(wildcardsOf("dual"), ["0.0.0.0", "::"]);
  assert.deepEqual(loopbacksOf("dual"), ["127.0.0.1", "::1"]);
  assert.deepEqual(appSourcesOf("dual"), ["127.0.0.6", "::6"]);
});
