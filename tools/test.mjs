// `npm test`: set-up, then every check and every suite, each timed; goes on after a failure. Its last line is
// `N passed, N failed, N skipped`. `npm test -- STEP…` runs some steps only, `npm test -- all` the slow ones too.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runKubernetesSuite } from "./kubernetes-suite.mjs";
import { runCommand } from "./run-command.mjs";
import { runSuite } from "./run-tests.mjs";
import { SetUpError } from "./set-up-error.mjs";
import { setUp } from "./setup.mjs";
import { suites } from "./test-suites.mjs";

const root = join(import.meta.dirname, "..");
const node = process.execPath;
const biome = [node, "node_modules/@biomejs/biome/bin/biome"];

/** Each counts as one test. */
const checks = [
  { name: "format", command: [...biome, "format", "."] },
  { name: "lint", command: [...biome, "lint", "--error-on-warnings", "."] },
  { name: "types", command: [node, "node_modules/typescript/bin/tsc", "--noEmit"] },
  { name: "layers", command: [node, "--import", "tsx", "tools/check-layers.ts"] },
  { name: "fields", command: [node, "--import", "tsx", "tools/check-fields.ts"] },
  { name: "shape", command: [node, "--import", "tsx", "tools/check-shape.ts"] },
];

const steps = [
  ...checks.map((check) => ({ name: check.name, run: (signal) => runCheck(check, signal) })),
  ...suites.map((suite) => ({ name: suite.name, run: (signal) => runSuite(suite, { root, signal }) })),
  { name: "kubernetes", isSlow: true, run: (signal) => runKubernetesSuite({ signal }) },
];

async function runCheck({ name, command }, signal) {
  const { code, output } = await runCommand(command, { cwd: root, signal });
  if (code === 0) return { passed: 1, failed: 0, skipped: [] };
  if (!signal.aborted)
    console.log(`  FAILED ${name}: exit code ${code}\n${output.trimEnd().replace(/^/gm, "    ")}`);
  return { passed: 0, failed: 1, skipped: [] };
}

function selectSteps(args) {
  const names = args.flatMap((arg) => (arg === "--only" ? [] : arg.replace(/^--only=/, "").split(",")));
  if (names.includes("all")) return steps;
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (names.length === 0) return steps.filter((step) => !step.isSlow);
  if (unknown.length === 0) return steps.filter((step) => names.includes(step.name));
  console.error(`Cannot run ${unknown.map((name) => JSON.stringify(name)).join(", ")}: the steps are`);
  console.error(`${steps.map((step) => step.name).join(", ")}, and "all"`);
  return process.exit(2);
}

/** Adds up, and never throws: what a step throws counts as its failure. */
async function runStep(step, totals, signal) {
  console.log(`== ${step.name}`);
  const startMs = performance.now();
  let counts;
  try {
    counts = await step.run(signal);
  } catch (error) {
    console.log(`  FAILED ${step.name}: ${error instanceof SetUpError ? error.message : error.stack}`);
    counts = { passed: 0, failed: 1, skipped: [] };
  }
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  totals.skipped.push(...counts.skipped);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const verdict = counts.failed > 0 ? `${counts.failed} failed` : "ok";
  console.log(`   ${verdict} in ${seconds} s`);
  return counts.failed === 0;
}

async function main() {
  const selected = selectSteps(process.argv.slice(2));
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => interrupt.abort());
  const { signal } = interrupt;
  const totals = { passed: 0, failed: 0, skipped: [] };
  const needsMachine = selected.some((step) => suites.some((suite) => suite.name === step.name));
  const prepare = async () => {
    await setUp(needsMachine ? "test" : "build");
    return { passed: 1, failed: 0, skipped: [] };
  };
  // Without the packages and the generated code every step would fail for the same reason.
  if (await runStep({ name: "set-up", run: prepare }, totals, signal)) {
    for (const step of selected) {
      if (!signal.aborted) await runStep(step, totals, signal);
    }
  }
  if (signal.aborted) {
    console.log("interrupted");
    process.exit(130);
  }
  for (const { name, reason } of totals.skipped) console.log(`skipped: ${name} (${reason})`);
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped.length} skipped`);
  process.exitCode = totals.failed > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
