import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compareHostnames,
  hostnameFault,
  hostnamesOverlap,
  isHostnameWithin,
  qualifyHostname,
  wildcardHostnameFault,
} from "./hostname.ts";

test("hostnameFault() accepts full names and refuses wildcards, bad labels and numeric top-level domains", () => {
  for (const name of ["istio.io", "istio.io.", "reviews", "a-b.c.svc.cluster.local", "x".repeat(63)]) {
    assert.equal(hostnameFault(name), undefined, name);
  }
  for (const name of ["", "*.io", "-a.io", "a..io", "a_b.io", "1.1.1.1", "x".repeat(64), "a.".repeat(130)]) {
    assert.notEqual(hostnameFault(name), undefined, name);
  }
});

test("wildcardHostnameFault() accepts a wildcard in the first label only", () => {
  for (const name of ["*", "*.com", "*-foo.bar.com", "*foo.com"])
    assert.equal(wildcardHostnameFault(name), undefined, name);
  for (const name of ["foo.*.com", "foo*.com", "1.1.1.1", "", "*.*.com"]) {
    assert.notEqual(wildcardHostnameFault(name), undefined, name);
  }
});

test("hostnamesOverlap() finds a common name in both directions", () => {
  assert.ok(hostnamesOverlap("*.com", "a.com"));
  assert.ok(hostnamesOverlap("a.com", "*.com"));
  assert.ok(hostnamesOverlap("*.com", "*.foo.com"));
  assert.ok(hostnamesOverlap("*", "*"));
  assert.ok(!hostnamesOverlap("*.foo.com", "*.bar.com"));
  assert.ok(!hostnamesOverlap("*.foo.com", "foo.com"));
});

test("isHostnameWithin() is one-sided", () => {
  assert.ok(isHostnameWithin("*.foo.com", "*.com"));
  assert.ok(!isHostnameWithin("*.com", "*.foo.com"));
  assert.ok(isHostnameWithin("a.com", "*"));
  assert.ok(!isHostnameWithin("*", "a.com"));
});

test("compareHostnames() puts the most specific first", () => {
  const sorted = ["*", "b.com", "*.com", "a.b.com", "a.com", "*.b.com"].sort(compareHostnames);
  assert.deepEqual(sorted, ["a.b.com", "a.com", "b.com", "*.b.com", "*.com", "*"]);
});

test("qualifyHostname() completes short names only", () => {
  assert.equal(qualifyHostname("reviews", "shop"), "reviews.shop.svc.cluster.local");
  for (const host of ["reviews.shop", "*", "::1"]) assert.equal(qualifyHostname(host, "shop"), host);
  assert.equal(qualifyHostname("API.Example.com", "shop"), "api.example.com");
  assert.equal(qualifyHostname("api.example.com.", "shop"), "api.example.com");
  assert.equal(qualifyHostname("reviews.", "shop"), "reviews", "an absolute name isn't completed");
});
