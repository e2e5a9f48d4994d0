import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatIpv4,
  ipv4Range,
  macAddressOf,
  parseIpv4,
  parseIpv4Range,
  rangesOverlap,
} from "./ipv4-range.ts";

test("parseIpv4() takes four decimal numbers and nothing else", () => {
  assert.equal(parseIpv4("10.244.0.1"), 0x0af40001);
  assert.equal(parseIpv4("255.255.255.255"), 0xffffffff);
  for (const text of ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-4", "::1", "1.2.3.4 "]) {
    assert.equal(parseIpv4(text), undefined, text);
  }
});

test("formatIpv4() undoes parseIpv4()", () => {
  for (const text of ["0.0.0.0", "10.244.0.1", "255.255.255.255"])
    assert.equal(formatIpv4(parseIpv4(text) ?? 0), text);
});

test("parseIpv4Range() wants a prefix that covers the bits", () => {
  assert.equal(parseIpv4Range("10.244.0.0/16")?.size, 65_536);
  for (const text of [
    "10.244.0.0",
    "10.244.0.1/16",
    "10.244.0.0/31",
    "10.244.0.0/7",
    "10.244.0.0/x",
    "/16",
  ]) {
    assert.equal(parseIpv4Range(text), undefined, text);
  }
});

test("rangesOverlap() is true where one holds an address of the other", () => {
  const pods = ipv4Range("10.244.0.0/16");
  assert(rangesOverlap(pods, ipv4Range("10.244.7.0/24")));
  assert(rangesOverlap(ipv4Range("10.0.0.0/8"), pods));
  assert(!rangesOverlap(pods, ipv4Range("10.245.0.0/16")));
});

test("macAddressOf() depends on the address alone, and is locally administered", () => {
  assert.equal(macAddressOf("10.244.0.2"), "02:4d:0a:f4:00:02");
});
