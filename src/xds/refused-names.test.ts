import assert from "node:assert/strict";
import { test } from "node:test";
import { namedIn, readErrorDetail } from "./refused-names.ts";

const resources = ["80", "8080", "0.0.0.0_80", "[::]_80", "outbound|80||a.shop", "outbound|80|v1|a.shop"].map(
  (name) => ({ name }),
);

for (const [detail, expected] of [
  ["8080: no such route", ["8080"]],
  ["Error adding/updating listener(s) 0.0.0.0_80: no such filter", ["0.0.0.0_80"]],
  ["Error adding/updating listener(s) [::]_80: a, 0.0.0.0_80: b", ["0.0.0.0_80", "[::]_80"]],
  ["Error adding/updating cluster(s) outbound|80|v1|a.shop: bad", ["outbound|80|v1|a.shop"]],
  ['cannot take "80"', ["80"]],
  ["there is no 8080.", ["8080"]],
  ["10.80.8080.1 is no address of 180", []],
  [`goo.gle/debugproto name: "8080" : Proto constraint validation failed`, ["8080"]],
  ["I don't like it", []],
] as const) {
  test(`namedIn() reads "${detail}"`, () => {
    assert.deepEqual(
      namedIn(detail, resources).map(({ name }) => name),
      expected,
    );
  });
}

test("readErrorDetail() keeps one line of bounded length, without what steers a terminal", () => {
  assert.equal(readErrorDetail("a\u001b[2J\r\nb\u202ec\u2028d\n"), "a [2J b c d");
  assert.equal(readErrorDetail("x".repeat(100_000)).length, 4_096);
});
