// The test suites as data: where their files are and how they share processes. Node 20's test runner has no
// globs, so the files are listed here.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** Random searches over whole models, beside the code that they hold: each takes seconds of CPU, as no unit test does. */
export const searches = [
  "src/fleet/imported-references.test.ts",
  "src/graph/differential.test.ts",
  "src/kinds/parse-object-fuzz.test.ts",
  "src/view/layered-answers.test.ts",
  "src/view/settled-names.test.ts",
  "src/xds/order-model.test.ts",
];

/**
 * `folders`: where its files are; all of them, but for those of `except`, or those of `only` alone. `processCount`: how many processes run at the same time. `isShared`: one process takes many files, which
 * costs a hundredth of a process for each. `quietLimitMs`: how long a process may go without any sign of
 * life; generous, as it is there to catch hangs only.
 */
export const suites = [
  {
    name: "units",
    folders: ["src"],
    except: searches,
    processCount: Math.min(2, availableParallelism()),
    isShared: true,
    quietLimitMs: 240_000,
  },
  {
    name: "searches",
    folders: ["src"],
    only: searches,
    processCount: Math.min(2, availableParallelism()),
    isShared: true,
    quietLimitMs: 240_000,
  },
  // Of programs around the project: they start processes, as what they test does.
  {
    name: "tools",
    folders: ["tools", "examples", "bench"],
    processCount: Math.min(2, availableParallelism()),
    isShared: true,
    quietLimitMs: 240_000,
  },
  // What large and hostile input may cost, and how many connections a server holds: each measures its own process.
  { name: "limits", folders: ["tests/limits"], processCount: 1, isShared: false, quietLimitMs: 240_000 },
  {
    name: "goldens",
    folders: ["tests/golden", "tests/fields"],
    processCount: 1,
    isShared: true,
    quietLimitMs: 240_000,
  },
  { name: "cases", folders: ["tests/cases"], processCount: 1, isShared: true, quietLimitMs: 240_000 },
  { name: "protocol", folders: ["tests/protocol"], processCount: 1, isShared: false, quietLimitMs: 300_000 },
  { name: "e2e", folders: ["tests/e2e"], processCount: 1, isShared: false, quietLimitMs: 600_000 },
];

/** Paths of a suite's test files relative to `root`, sorted. Folders that don't exist yet hold none. */
export function listTestFiles(root, suite) {
  const files = [];
  for (const folder of suite.folders) {
    if (!existsSync(join(root, folder))) continue;
    for (const entry of readdirSync(join(root, folder), { recursive: true })) {
      const path = `${folder}/${entry}`;
      if (isOfSuite(suite, path)) files.push(path);
    }
  }
  return files.sort();
}

/** Of a path relative to the root. */
export function isOfSuite({ folders, except = [], only }, path) {
  if (!/\.test\.(ts|mjs)$/.test(path) || path.startsWith("src/gen/")) return false;
  const isWanted = only === undefined ? !except.includes(path) : only.includes(path);
  return isWanted && folders.some((folder) => path.startsWith(`${folder}/`));
}

/**
 * Deals files to processes: each group is one process. Hooks at the top level of a file belong to the whole
 * process, so such a file gets a process of its own even in a shared suite.
 */
export function groupTestFiles(root, suite, files) {
  if (!suite.isShared) return files.map((file) => [file]);
  const alone = files.filter((file) => hasTopLevelHook(readFileSync(join(root, file), "utf8")));
  const together = files.filter((file) => !alone.includes(file));
  const hands = Array.from({ length: suite.processCount }, (_, hand) =>
    together.filter((_file, index) => index % suite.processCount === hand),
  );
  return [...hands.filter((hand) => hand.length > 0), ...alone.map((file) => [file])];
}

export function hasTopLevelHook(source) {
  return /^(before|after|beforeEach|afterEach)\(/m.test(source);
}
