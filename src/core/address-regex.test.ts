import assert from "node:assert/strict";
import { test } from "node:test";
import { addressRegex } from "./address-regex.ts";

function matches(range: string, address: string): boolean | undefined {
  const regex = addressRegex(range);
  return regex === undefined ? undefined : new RegExp(`^(?:${regex})$`).test(address);
}

test("addressRegex() takes the addresses of an IPv4 range and no others", () => {
  for (const [range, inside, outside] of [
    ["10.0.0.7/32", ["10.0.0.7:80"], ["10.0.0.70:80", "110.0.0.7:80", "10.0.0.7"]],
    ["10.1.16.0/20", ["10.1.16.0:1", "10.1.31.255:65535"], ["10.1.15.255:1", "10.1.32.0:1", "10.1.160.1:1"]],
    ["10.0.0.0/8", ["10.255.0.1:1"], ["11.0.0.1:1", "100.0.0.1:1"]],
    ["0.0.0.0/0", ["1.2.3.4:5"], ["[::1]:5"]],
    ["192.168.1.77/30", ["192.168.1.76:1", "192.168.1.79:1"], ["192.168.1.75:1", "192.168.1.80:1"]],
  ] as const) {
    for (const address of inside) assert.equal(matches(range, address), true, `${range} ${address}`);
    for (const address of outside) assert.equal(matches(range, address), false, `${range} ${address}`);
  }
});

test("addressRegex() takes those IPv6 ranges whose addresses begin alike", () => {
  assert.equal(matches("fd00:244::/32", "[fd00:244::6]:80"), true);
  assert.equal(matches("fd00:244::/32", "[fd00:244:0:1::6]:80"), true);
  assert.equal(matches("fd00:244::/32", "[fd00:2440::6]:80"), false);
  assert.equal(matches("fd00::1/128", "[fd00::1]:80"), true);
  assert.equal(matches("fd00::1/128", "[fd00::11]:80"), false);
  assert.equal(matches("::/0", "[::1]:5"), true);
  assert.equal(matches("::/0", "1.2.3.4:5"), false);
  for (const range of ["fd00::/64", "fd00:244::/28", "fd00:0:1::/48"])
    assert.equal(matches(range, "[fd00::1]:1"), undefined, range);
});
