import assert from "node:assert/strict";
import { test } from "node:test";
import { takesEveryRequest } from "./every-request.ts";
import type { HttpMatchRequest } from "./matching.ts";

const all: readonly (HttpMatchRequest | undefined)[] = [
  undefined,
  {},
  { name: "all", statPrefix: "all", ignoreUriCase: true, port: 80, gateways: ["edge"] },
  { uri: {} },
  { uri: { prefix: "/" } },
  { uri: { prefix: "" } },
  ...[".*", "/.*", "^.*$", "^/.*$", "(.*)", "/(.*)", ".+"].map((regex) => ({ uri: { regex } })),
  { headers: {}, withoutHeaders: {}, queryParams: {} },
];

const some: readonly HttpMatchRequest[] = [
  { uri: { exact: "/" } },
  { uri: { prefix: "/a" } },
  ...["/", "/.+", "a.*", ".*a", ".", "/a|.*b"].map((regex) => ({ uri: { regex } })),
  { method: {} },
  { authority: { exact: "a.com" } },
  { scheme: { exact: "http" } },
  { headers: { x: {} } },
  { withoutHeaders: { x: {} } },
  { queryParams: { q: { exact: "" } } },
];

for (const match of all) {
  test(`takesEveryRequest() says so of ${JSON.stringify(match)}`, () => assert.ok(takesEveryRequest(match)));
}

for (const match of some) {
  test(`takesEveryRequest() denies it of ${JSON.stringify(match)}`, () =>
    assert.ok(!takesEveryRequest(match)));
}
