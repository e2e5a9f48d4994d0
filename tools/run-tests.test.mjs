import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { runSuite } from "./run-tests.mjs";
import { groupTestFiles, hasTopLevelHook, listTestFiles, searches, suites } from "./test-suites.mjs";

const IMPORT = 'import { test } from "node:test";\n';

/** Runs `files` (path → source) as one suite in a folder of their own. */
async function runFiles(files, overrides = {}) {
  const root = mkdtempSync(join(tmpdir(), "run-tests-"));
  const printed = [];
  try {
    for (const [path, source] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), source);
    }
    const suite = {
      name: "x",
      folders: ["src"],
      processCount: 1,
      isShared: true,
      quietLimitMs: 60_000,
      ...overrides,
    };
    const counts = await runSuite(suite, { root, print: (line) => printed.push(line) });
    return { ...counts, printed: printed.join("\n") };
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("runSuite() counts what passed, failed and was skipped", async () => {
  const run = await runFiles({
    "src/a.test.ts": `${IMPORT}test("good", () => {}); test("bad", () => { throw new Error("because") });`,
    "src/deep/b.test.ts": `${IMPORT}test("later", { skip: "no kernel" }, () => {}); test("good too", () => {});`,
  });
  assert.equal(run.passed, 2);
  assert.equal(run.failed, 1);
  assert.deepEqual(run.skipped, [{ name: "src/deep/b.test.ts: later", reason: "no kernel" }]);
  assert.match(run.printed, /FAILED src\/a\.test\.ts bad\n.*because/);
});

test("runSuite() prints what tests say of what they saw, and no counts of the test runner", async () => {
  const source = `${IMPORT}test("task", (t) => t.test("step", (s) => s.diagnostic("three of ten")));`;
  const run = await runFiles({ "src/a.test.ts": source });
  assert.match(run.printed, /^ {2}task > step: three of ten$/m);
  assert.doesNotMatch(run.printed, /: (tests|pass|duration_ms) /);
});

test("runSuite() counts a parent that fails by its child once", async () => {
  const source = `${IMPORT}test("parent", (t) => t.test("child", () => { throw new Error("inner") }));`;
  const run = await runFiles({ "src/a.test.ts": source });
  assert.deepEqual({ passed: run.passed, failed: run.failed }, { passed: 0, failed: 1 });
  assert.match(run.printed, /parent > child/);
});

test("runSuite() counts a file that can't be loaded as failed and runs the others", async () => {
  const run = await runFiles({
    "src/a.test.ts": 'import "./absent.ts";',
    "src/b.test.ts": `${IMPORT}test("good", () => {});`,
  });
  assert.deepEqual({ passed: run.passed, failed: run.failed }, { passed: 1, failed: 1 });
});

test("runSuite() counts a process that ends in the middle as failed", async () => {
  const run = await runFiles({ "src/a.test.ts": `${IMPORT}test("leaves", async () => process.exit(0));` });
  assert.equal(run.failed, 1);
  assert.match(run.printed, /ended early/);
});

test("runSuite() ends a process that hangs and names what it holds", async () => {
  const source = `${IMPORT}test("good", () => {}); setInterval(() => {}, 1e6);`;
  const run = await runFiles({ "src/a.test.ts": source }, { quietLimitMs: 2_000 });
  assert.deepEqual({ passed: run.passed, failed: run.failed }, { passed: 1, failed: 1 });
  assert.match(run.printed, /left open: .*Timeout/);
});

test("runSuite() doesn't wait for a process that the tests left running", async () => {
  const source = `${IMPORT}import { spawn } from "node:child_process";
test("good", () => { spawn("sleep", ["30"], { detached: true, stdio: "inherit" }).unref(); });`;
  const startMs = performance.now();
  const run = await runFiles({ "src/a.test.ts": source });
  assert.equal(run.passed, 1);
  assert.ok(performance.now() - startMs < 25_000);
});

test("runSuite() fails a file without a test, and shows a failing process's output", async () => {
  const run = await runFiles({ "src/a.test.ts": 'console.log("marker 17");' });
  assert.equal(run.failed, 1);
  assert.match(run.printed, /marker 17/);
});

test("groupTestFiles() gives a process of its own to a file with top-level hooks", () => {
  assert.ok(hasTopLevelHook("const a = 1;\nafter(() => a);\n"));
  assert.ok(!hasTopLevelHook('describe("x", () => {\n  after(() => 1);\n});\n'));
});

test("listTestFiles() finds this file and groups all of them", () => {
  const suite = { name: "units", folders: ["tools"], processCount: 2, isShared: true };
  const files = listTestFiles(process.cwd(), suite);
  assert.ok(files.includes("tools/run-tests.test.mjs"));
  assert.deepEqual(groupTestFiles(process.cwd(), suite, files).flat().sort(), files);
});

test("listTestFiles() has each search in the suite of searches, and every file in one suite alone", () => {
  const listed = suites.flatMap((suite) => listTestFiles(process.cwd(), suite));
  assert.equal(new Set(listed).size, listed.length);
  const ofSearches = suites.find(({ name }) => name === "searches");
  assert.deepEqual(listTestFiles(process.cwd(), ofSearches), searches);
  for (const file of ["src/core/clock.test.ts", ...searches]) assert.ok(listed.includes(file), file);
});
