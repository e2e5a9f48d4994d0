// The suite that needs a real cluster: builds or reuses the cluster's programs, starts two nodes, runs tests/kubernetes in
// them. Everything that it started is gone at the end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runSuite } from "./run-tests.mjs";
import { SetUpError } from "./set-up-error.mjs";
import { setUp } from "./setup.mjs";

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

/** Counts as `runSuite` does. `files`: some of the suite's, relative to the project; else all. */
export async function runKubernetesSuite({ files, signal }) {
  return await withCluster(signal, async (cluster) => {
    const counts = await runSuite(suite, { root, signal, ...(files && { files }) });
    if (counts.failed > 0) cluster?.describe();
    return counts;
  });
}

/** Keeps a cluster up until `signal`, and prints how to reach it. */
export async function keepCluster(signal) {
  await withCluster(signal, async (cluster) => {
    if (cluster === undefined) return;
    console.log(`export KUBECONFIG=${cluster.kubeconfigPath}\nCtrl-C removes the cluster`);
    if (!signal.aborted) await once(signal, "abort");
  });
}

/** `act` gets undefined without root: what needs no node is tested all the same. */
async function withCluster(signal, act) {
  const isRoot = process.getuid() === 0;
  if (!isRoot) console.log("WITHOUT ROOT: no cluster can be started, tests that need one are skipped");
  await setUp(isRoot ? "kubernetes" : "test");
  await buildPrograms(signal);
  const folder = mkdtempSync(join(tmpdir(), "meltemi-kubernetes-"));
  let cluster;
  try {
    if (isRoot) cluster = await startCluster(join(folder, "cluster.json"));
    return await act(cluster);
  } finally {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes a quarter of an hour of CPU where the cache is empty, and a second where it isn't. */
async function buildPrograms(signal) {
  const program = join(root, "tests/kubernetes/cluster/build-programs.ts");
  const child = spawn(process.execPath, [...tsx, program], { cwd: root, stdio: "inherit" });
  const onAbort = () => child.kill("SIGTERM");
  signal.addEventListener("abort", onAbort, { once: true });
  const [code] = await once(child, "exit");
  signal.removeEventListener("abort", onAbort);
  if (code !== 0) throw new SetUpError("Cannot prepare the programs of a test cluster");
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
  if (!isReady) throw new SetUpError("Cannot start the test cluster");
  process.env.MELTEMI_TEST_CLUSTER = descriptionPath;
  return {
    kubeconfigPath: JSON.parse(readFileSync(descriptionPath, "utf8")).kubeconfigPath,
    /** Prints what whoever looks for the reason of a failure asks first. */
    describe: () => child.stdin.write("describe\n"),
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
