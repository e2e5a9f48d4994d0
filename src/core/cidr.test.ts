import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cidr } from "./cidr.ts";
import { cidrContains, isIpAddress, parseCidr } from "./cidr.ts";

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

test("parseCidr() reads addresses and ranges of both families", () => {
  assert.deepEqual(cidr("10.1.2.3/8"), { family: 4, base: 10n << 24n, prefixLength: 8 });
  assert.deepEqual(cidr("10.0.0.1"), { family: 4, base: (10n << 24n) + 1n, prefixLength: 32 });
  assert.deepEqual(cidr("::1"), { family: 6, base: 1n, prefixLength: 128 });
  assert.equal(cidr("fd00::1:2/64").base, 0xfd00n << 112n);
  assert.equal(cidr("::ffff:1.2.3.4").base, 0xffff01020304n);
  assert.equal(cidr("0.0.0.0/0").base, 0n);
});

test("parseCidr() gives undefined for anything else", () => {
  for (const text of [
    "",
    "10.0.0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "::1/129",
    "a/8",
    "fe80::1%eth0",
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test("cidrContains() compares prefixes within a family", () => {
  assert.ok(cidrContains(cidr("10.0.0.0/8"), cidr("10.9.9.9")));
  assert.ok(!cidrContains(cidr("10.0.0.0/8"), cidr("11.0.0.0")));
  assert.ok(!cidrContains(cidr("10.0.0.0/16"), cidr("10.0.0.0/8")));
  assert.ok(!cidrContains(cidr("::/0"), cidr("10.0.0.0")));
});

test("isIpAddress() refuses ranges", () => {
  assert.ok(isIpAddress("1.2.3.4"));
  assert.ok(!isIpAddress("1.2.3.4/8"));
});
