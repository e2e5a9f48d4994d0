import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;

// npm writes an incomplete lock file where a registry lacks a build for another platform, and `npm ci` then
// refuses it in every fresh clone.
test("package-lock.json names every optional package of its packages", () => {
  const optional = Object.values(lock).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  assert.ok(optional.length > 0);
  assert.deepEqual(
    optional.filter((name) => lock[`node_modules/${name}`] === undefined),
    [],
  );
});

test("package-lock.json names no registry", () => {
  assert.deepEqual(
    Object.entries(lock).filter(([, entry]) => entry.resolved !== undefined),
    [],
  );
});

test("package.json pins every version exactly", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
});
