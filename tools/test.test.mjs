import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runCommand } from "./run-command.mjs";

const program = join(import.meta.dirname, "test.mjs");

test("npm test refuses a step that it doesn't know, and names those there are", async () => {
  const { code, output } = await runCommand([process.execPath, program, "--only", "nonsense,lint"]);
  assert.equal(code, 2);
  assert.match(output, /Cannot run "nonsense": the steps are\nformat, lint, types/);
});

test("npm test ends in one line of counts, and its exit code agrees", async () => {
  const { code, output } = await runCommand([process.execPath, program, "shape"]);
  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(output.trimEnd().split("\n").at(-1));
  assert.ok(counts !== null, output);
  assert.equal(code, counts[2] === "0" ? 0 : 1);
});
