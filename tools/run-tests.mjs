// Runs test suites and counts: `node tools/run-tests.mjs [--verbose] SUITE|FILE…`. Each group of files runs in
// a process of its own process group, which is ended when it shows no sign of life for too long.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { groupTestFiles, isOfSuite, listTestFiles, suites } from "./test-suites.mjs";

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), "..");
const TERMINATION_GRACE_MS = 5_000;
const START_LIMIT_MS = 120_000;
const ANSWER_LIMIT_MS = 10_000;
const MAX_KEPT_OUTPUT = 64_000;

/**
 * Runs one suite: `{ passed, failed, skipped: [{ name, reason }] }`.
 * `files` restricts it; `signal` ends it, and all that it started.
 */
export async function runSuite(suite, options = {}) {
  const { root = projectRoot, files = listTestFiles(root, suite), ...rest } = options;
  const counts = { passed: 0, failed: 0, skipped: [] };
  const groups = groupTestFiles(root, suite, files);
  const worker = async () => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      if (rest.signal?.aborted) return;
      await runTestProcess(group, counts, { root, quietLimitMs: suite.quietLimitMs, ...rest });
    }
  };
  await Promise.all(Array.from({ length: suite.processCount }, worker));
  return counts;
}

async function runTestProcess(files, counts, options) {
  const { root, quietLimitMs, signal, isVerbose = false, print = console.log } = options;
  const child = spawn(
    process.execPath,
    [
      ...[
        "--import",
        import.meta.resolve("tsx"),
        "--test-reporter",
        join(projectRoot, "tools/test-reporter.mjs"),
      ],
      ...["--test-reporter-destination", "stdout", join(projectRoot, "tools/test-process.mjs"), ...files],
    ],
    { cwd: root, detached: true, stdio: ["ignore", "pipe", "pipe", "pipe"] },
  );
  const run = new TestRun(files, counts, print);
  const watchdog = watchForSilence(child, quietLimitMs, () => run.noteHang(quietLimitMs));
  const onAbort = () => terminateGroup(child, "SIGINT");
  signal?.addEventListener("abort", onAbort, { once: true });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      watchdog.isAlive();
      if (isVerbose) process.stdout.write(text);
      else run.keepOutput(text);
    });
  }
  createInterface({ input: child.stdio[3] }).on("line", (line) => {
    watchdog.isAlive();
    const event = parseEvent(line);
    if (event !== undefined) run.take(event);
    if (event?.type === "resources") watchdog.hasAnswered();
  });
  const ending = await endOf(child);
  watchdog.stop();
  signal?.removeEventListener("abort", onAbort);
  killGroup(child, "SIGKILL");
  if (!signal?.aborted) run.finish(ending);
}

/** Undefined for a line that was cut short, as when the process was killed while it wrote. */
function parseEvent(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Waits for all output too, but not for long: something that the tests left running may hold on to it. */
async function endOf(child) {
  const hasClosed = once(child, "close");
  const [code, endSignal] = await once(child, "exit");
  const timer = setTimeout(() => {
    for (const stream of child.stdio) stream?.destroy();
  }, TERMINATION_GRACE_MS);
  await hasClosed;
  clearTimeout(timer);
  return { code, endSignal };
}

/** What is known of one test process, from its events. */
class TestRun {
  #files;
  #counts;
  #print;
  #running = new Set();
  #fileResults = { file: undefined, count: 0, durationMs: 0 };
  #resultCount = 0;
  #failedHere = 0;
  #hasEnded = false;
  #hang;
  #output = "";

  constructor(files, counts, print) {
    this.#files = files;
    this.#counts = counts;
    this.#print = print;
  }

  keepOutput(text) {
    this.#output = (this.#output + text).slice(-MAX_KEPT_OUTPUT);
  }

  noteHang(quietLimitMs) {
    this.#hang = { quietLimitMs, running: [...this.#running], resources: [] };
  }

  take(event) {
    if (event.type === "dequeue") this.#running.add(event.id);
    else if (event.type === "complete") this.#running.delete(event.id);
    else if (event.type === "end") this.#hasEnded = true;
    else if (event.type === "resources") {
      if (this.#hang !== undefined) this.#hang.resources = event.resources;
    } else if (event.type === "note") this.#print(`  ${event.name}: ${event.message}`);
    else this.#takeResult(event);
  }

  #takeResult(event) {
    this.#resultCount += 1;
    if (event.file !== this.#fileResults.file) this.#printFile(event.file);
    this.#fileResults.count += 1;
    this.#fileResults.durationMs += event.durationMs;
    if (event.type === "pass") this.#counts.passed += 1;
    else if (event.type === "skip") {
      this.#counts.skipped.push({ name: `${event.file}: ${event.name}`, reason: event.reason });
    } else this.#fail(`${event.file} ${event.name}`, event.error);
  }

  #fail(name, details) {
    this.#counts.failed += 1;
    this.#failedHere += 1;
    this.#print(`  FAILED ${name}\n${indent(details)}`);
  }

  #printFile(next) {
    const { file, count, durationMs } = this.#fileResults;
    if (count > 0) this.#print(`  ${file} (${count}, ${Math.round(durationMs)} ms)`);
    this.#fileResults = { file: next, count: 0, durationMs: 0 };
  }

  finish({ code, endSignal }) {
    this.#printFile(undefined);
    const files = this.#files.length > 3 ? `${this.#files.length} files` : this.#files.join(", ");
    if (this.#hang !== undefined) this.#fail(`${files}: hangs`, describeHang(this.#hang));
    else if (!this.#hasEnded || endSignal !== null) {
      const running = this.#running.size > 0 ? `, while these ran: ${[...this.#running].join("; ")}` : "";
      this.#fail(`${files}: the process ended early`, `${endSignal ?? `exit code ${code}`}${running}`);
    } else if (code !== 0 && this.#failedHere === 0) {
      this.#fail(`${files}: the process failed`, `exit code ${code}`);
    } else if (this.#resultCount === 0) this.#fail(`${files}: no test`, "A test file has at least one test.");
    if (this.#failedHere > 0 && this.#output.trim() !== "") {
      this.#print(`  What the process printed:\n${indent(this.#output.trim())}`);
    }
  }
}

function describeHang({ quietLimitMs, running, resources }) {
  const what =
    running.length > 0 ? `in ${running.join("; ")}` : `something was left open: ${resources.join(", ")}`;
  return `no sign of life for ${quietLimitMs / 1000} s, ${what}`;
}

function indent(text) {
  return text.replace(/^/gm, "    ");
}

/** Asks a process that was silent for `quietLimitMs` what it holds open, then ends it and its group. */
function watchForSilence(child, quietLimitMs, onHang) {
  let isHanging = false;
  const onSilence = () => {
    isHanging = true;
    onHang();
    child.kill("SIGUSR2");
    timer = setTimeout(() => terminateGroup(child, "SIGTERM"), ANSWER_LIMIT_MS);
  };
  // Until it has loaded its first file a process has nothing to say.
  let timer = setTimeout(onSilence, Math.max(quietLimitMs, START_LIMIT_MS));
  return {
    isAlive() {
      if (isHanging) return;
      clearTimeout(timer);
      timer = setTimeout(onSilence, quietLimitMs);
    },
    /** It has said what it holds open. */
    hasAnswered() {
      clearTimeout(timer);
      terminateGroup(child, "SIGTERM");
    },
    stop: () => clearTimeout(timer),
  };
}

function terminateGroup(child, signal) {
  killGroup(child, signal);
  // A moment for tests to clean up after themselves.
  setTimeout(() => killGroup(child, "SIGKILL"), TERMINATION_GRACE_MS).unref();
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Suites that the arguments name: a suite's name, or a test file of one. Undefined if an argument names neither. */
export function selectTests(names, root = projectRoot) {
  const selected = new Map();
  for (const name of names.length > 0 ? names : suites.map((suite) => suite.name)) {
    const suite = suites.find(
      (each) => each.name === name || `${each.name}s` === name || each.name === `${name}s`,
    );
    if (suite !== undefined) selected.set(suite, listTestFiles(root, suite));
    else {
      const file = relative(root, resolve(name));
      const owner = suites.find((each) => isOfSuite(each, file));
      if (owner === undefined || !existsSync(join(root, file))) return undefined;
      selected.set(owner, [...(selected.get(owner) ?? []), file]);
    }
  }
  return selected;
}

async function main() {
  const options = process.argv.slice(2);
  const isVerbose = options.includes("--verbose");
  const selected = selectTests(options.filter((option) => option !== "--verbose"));
  if (selected === undefined) {
    console.error(`usage: run-tests.mjs [--verbose] [${suites.map((suite) => suite.name).join("|")}|FILE]…`);
    process.exit(2);
  }
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupt.abort());
  let [passed, failed] = [0, 0];
  const skipped = [];
  for (const [suite, files] of selected) {
    const counts = await runSuite(suite, { files, isVerbose, signal: interrupt.signal });
    passed += counts.passed;
    failed += counts.failed;
    skipped.push(...counts.skipped);
  }
  for (const { name, reason } of skipped) console.log(`skipped: ${name} (${reason})`);
  if (interrupt.signal.aborted) process.exit(130);
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  process.exit(failed > 0 ? 1 : 0);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
