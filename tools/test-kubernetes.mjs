// `npm run test:kubernetes`: set-up, builds or reuses the cluster's programs, starts a two-node cluster, and runs
// tests/kubernetes in it. Arguments are test files, for running some only; `--cluster` alone keeps a cluster up
// until Ctrl-C. Its last line is `N passed, N failed, N skipped`. Everything that it started is gone at the end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { runSuite } from "./run-tests.mjs";
import { setUpOrExit } from "./setup.mjs";

const root = join(import.meta.dirname, "..");
const tsx = ["--import", "tsx"];

/** A test may wait for pods of a whole application. */
const suite = {
  name: "kubernetes",
  folders: ["tests/kubernetes"],
  processCount: 1,
  isShared: false,
  quietLimitMs: 900_000,
};

async function main() {
  const args = process.argv.slice(2);
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => interrupt.abort());
  const isRoot = process.getuid() === 0;
  if (!isRoot) console.log("WITHOUT ROOT: no cluster can be started, tests that need one are skipped");
  await setUpOrExit(isRoot ? "kubernetes" : "test");
  await buildPrograms(interrupt.signal);
  const folder = mkdtempSync(join(tmpdir(), "meltemi-kubernetes-"));
  const cluster = isRoot ? await startCluster(join(folder, "cluster.json")) : undefined;
  let counts;
  try {
    if (args.includes("--cluster")) await keep(folder, interrupt.signal);
    else counts = await runTests(args, interrupt.signal);
    if (counts?.failed > 0) cluster?.describe();
  } finally {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  }
  if (interrupt.signal.aborted) process.exit(130);
  for (const { name, reason } of counts.skipped) console.log(`skipped: ${name} (${reason})`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped`);
  process.exit(counts.failed > 0 ? 1 : 0);
}

function runTests(args, signal) {
  const files = args.map((arg) => relative(root, join(process.cwd(), arg)));
  return runSuite(suite, { root, signal, ...(files.length > 0 && { files }) });
}

async function keep(folder, signal) {
  const { kubeconfigPath } = JSON.parse(readFileSync(join(folder, "cluster.json"), "utf8"));
  console.log(`export KUBECONFIG=${kubeconfigPath}\nCtrl-C removes the cluster`);
  if (!signal.aborted) await once(signal, "abort");
}

/** Takes a quarter of an hour of CPU where the cache is empty, and a second where it isn't. */
async function buildPrograms(signal) {
  const program = join(root, "tests/kubernetes/cluster/build-programs.ts");
  const child = spawn(process.execPath, [...tsx, program], { cwd: root, stdio: "inherit", signal });
  const [code] = await once(child, "exit");
  if (code !== 0) process.exit(code ?? 1);
}

/** The cluster lives in a process of its own, and ends with its standard input. */
async function startCluster(descriptionPath) {
  const program = join(root, "tests/kubernetes/cluster/run-cluster.ts");
  const child = spawn(process.execPath, [...tsx, program, descriptionPath], {
    cwd: root,
    // Ctrl-C is ours to handle.
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line === "ready") resolve(true);
      else console.log(line);
    });
  });
  const isReady = await Promise.race([ready, exited.then(() => false)]);
  if (!isReady) {
    console.log("Cannot start the cluster\n0 passed, 1 failed, 0 skipped");
    process.exit(1);
  }
  process.env.MELTEMI_TEST_CLUSTER = descriptionPath;
  return {
    /** Prints what whoever looks for the reason of a failure asks first. */
    describe: () => child.stdin.write("describe\n"),
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}

await main();
