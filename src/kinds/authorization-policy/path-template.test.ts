import assert from "node:assert/strict";
import { test } from "node:test";
import { isPathTemplate, pathTemplateFault } from "./path-template.ts";

for (const template of [
  "/{*}",
  "/a/{*}/b/",
  "/a.b-c~_%20/{*}/{*}",
  "/{**}/b",
  "/a/{*}/{**}",
  "/@:;,=+!$&'()/{*}",
]) {
  test(`pathTemplateFault() takes ${template}`, () => assert.equal(pathTemplateFault(template), undefined));
}

for (const [template, fault] of [
  ["a/{*}", /begins with a slash/],
  ["{**}/a", /begins with a slash/],
  ["/{**}/a/{*}", /may follow/],
  ["/{**}/{**}", /may follow/],
  ["/a//{*}", /empty/],
  ["//{*}", /empty/],
  ["/a b/{*}", /"a b"/],
  ["/ä/{*}", /"ä"/],
  ["/{*}?x=1", /"\{\*\}\?x=1"/],
  ["/a{*}/{*}", /"a\{\*\}"/],
  ["/*/{*}", /"\*"/],
  ["/{x}/{*}", /"\{x\}"/],
] as const) {
  test(`pathTemplateFault() refuses ${template}`, () =>
    assert.match(pathTemplateFault(template) ?? "", fault));
}

test("isPathTemplate() asks for a wildcard in braces", () => {
  assert.deepEqual(["/a/{*}", "/{**}", "/a/*", "/{a}", "/a"].filter(isPathTemplate), ["/a/{*}", "/{**}"]);
});
