import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../core/logger.ts";
import { reportUndeclared } from "./undeclared-questions.ts";

test("reportUndeclared() counts each question, and logs it once", () => {
  const logged: unknown[] = [];
  let count = 0;
  const log = { ...silentLogger, error: (fields: object) => logged.push(fields) };
  const report = reportUndeclared(log, () => {
    count += 1;
  });
  for (const question of ["color=blue", "color=blue", "color=red"]) report(question);
  assert.equal(count, 3);
  assert.deepEqual(logged, [{ question: "color=blue" }, { question: "color=red" }]);
});
