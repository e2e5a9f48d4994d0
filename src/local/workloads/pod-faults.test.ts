// Each file operation of a pod's volumes and log fails once, in turn: the pod says so and goes on, and its neighbour
// hears nothing of it.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { bareSandbox, bareSurroundings } from "../../../tests/support/bare-sandbox-fixture.ts";
import { buildTestPod, referencedObjects } from "../../../tests/support/pod-fixture.ts";
import { createTestStore } from "../../../tests/support/workload-store-fixture.ts";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { ConfigMap } from "../../kinds/config-map.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { ContainerLog } from "./container-log.ts";
import { Kubelet } from "./kubelet.ts";
import type { PodFiles } from "./pod-files.ts";
import { machineFiles } from "./pod-files.ts";
import type { PodRuntime } from "./pod-runtime.ts";
import { keyOfObject } from "./workload-store.ts";

const AT_ONCE = 4;
const CODES = ["ENOSPC", "EACCES", "EEXIST", "EIO"] as const;

/** Back-off in a twentieth of its time. */
const quickClock: Clock = {
  now: () => systemClock.now(),
  after: (delayMs, callback) => systemClock.after(delayMs / 20, callback),
};

interface Fault {
  /** The operation on files of "troubled", counted from 1, that fails. */
  readonly at: number;
  readonly code: string;
}

function faultyFiles({ at, code }: Fault): { readonly files: PodFiles; name(): string } {
  let count = 0;
  let failed = "";
  const wrap = (name: keyof PodFiles) => {
    const operation = machineFiles[name] as (...args: unknown[]) => unknown;
    return (...args: unknown[]) => {
      const isTroubled = args.slice(0, 2).some((arg) => typeof arg === "string" && arg.includes("troubled"));
      if (isTroubled) count += 1;
      if (!isTroubled || count !== at || failed !== "") return operation(...args);
      failed = `${name} ${args[0]}`;
      const error = Object.assign(new Error(`${code}: made by the test`), { code });
      const isSync = name.endsWith("Sync") || name === "createWriteStream";
      if (isSync) throw error;
      return Promise.reject(error);
    };
  };
  const files = Object.fromEntries(
    Object.keys(machineFiles).map((name) => [name, wrap(name as keyof PodFiles)]),
  );
  return { files: files as unknown as PodFiles, name: () => failed };
}

function podOf(name: string): Pod {
  const script = "echo hello; exec sleep 60";
  return buildTestPod(
    {
      command: ["sh", "-c", script],
      volumeMounts: [
        { name: "settings", mountPath: "/etc/settings" },
        { name: "scratch", mountPath: "/scratch" },
        { name: "claim", mountPath: "/claim" },
        { name: "token", mountPath: "/token" },
      ],
    },
    {
      metadata: { name },
      spec: {
        terminationGracePeriodSeconds: 0,
        volumes: [
          { name: "settings", configMap: { name: "settings" } },
          { name: "scratch", emptyDir: {} },
          { name: "claim", persistentVolumeClaim: { claimName: `${name}-claim` } },
          { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
        ],
      },
    },
  );
}

function configMapOf(greeting: string): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "shop" },
    data: { greeting },
  };
}

function isReady(pod: Pod | undefined): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/** Two pods are started, their ConfigMap is edited, and the troubled one is ended. */
async function liveThrough(fault: Fault) {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-fault-"));
  const faulty = faultyFiles(fault);
  const store = createTestStore();
  const problems: { readonly pod: string; readonly found: Problem }[] = [];
  const warned: string[] = [];
  store.apply([configMapOf("one")]);
  const logs = new Map<string, ContainerLog>();
  const tell = (pod: Pod, found: Problem | undefined) => {
    if (found !== undefined) problems.push({ pod: pod.metadata.name, found });
  };
  const containerLog = (pod: Pod) => {
    const { name } = pod.metadata;
    const log =
      logs.get(name) ??
      new ContainerLog({
        file: join(directory, "logs", `${name}.log`),
        fileSystem: faulty.files,
        onFileProblem: (reason) =>
          tell(pod, reason === undefined ? undefined : problem("MLT3122", { message: reason })),
      });
    logs.set(name, log);
    return log;
  };
  const base = bareSurroundings(directory, { events: [], log: new ContainerLog() });
  const runtime: Omit<PodRuntime, "onStatus"> = {
    ...base,
    clock: quickClock,
    log: { ...base.log, warn: (fields) => warned.push(JSON.stringify(fields)) },
    fileSystem: faulty.files,
    objects: referencedObjects({
      configMap: () => store.list("ConfigMap")[0] as unknown as ConfigMap | undefined,
    }),
    containerLog,
    onProblem: (pod, _place, found) => tell(pod, found),
  };
  const gone: string[] = [];
  const kubelet = new Kubelet({ store, runtime, onGone: ({ metadata }) => gone.push(metadata.name) });
  const podNamed = (name: string) =>
    store.list("Pod").find(({ metadata }) => metadata.name === name) as unknown as Pod | undefined;
  try {
    const [troubled, neighbour] = [podOf("troubled"), podOf("neighbour")];
    store.apply([troubled, neighbour] as never);
    await store.until(() => isReady(podNamed("troubled")) && isReady(podNamed("neighbour")));
    store.apply([configMapOf("two")]);
    for (const name of ["troubled", "neighbour"]) {
      const file = join(directory, "pods/shop", name, "settings/greeting");
      while ((await readFile(file, "utf8").catch(() => "")) !== "two") await immediately();
    }
    store.delete([keyOfObject(troubled as never)]);
    while (!gone.includes("troubled")) await immediately();
    assert(isReady(podNamed("neighbour")), "the neighbour runs");
    return { failed: faulty.name(), problems, warned };
  } finally {
    await kubelet.close(0);
    for (const log of logs.values()) log.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function immediately(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

test("a pod outlives the failure of each of its file operations, says so, and harms no other", {
  timeout: 60_000,
}, async () => {
  let failedCount = 0;
  // Until there is no operation of that number; how many there are depends on what comes together.
  for (let first = 1; failedCount === first - 1; first += AT_ONCE) {
    const faults = Array.from({ length: AT_ONCE }, (_, offset) => ({
      at: first + offset,
      code: CODES[(first + offset) % CODES.length] ?? "EIO",
    }));
    const failed = await Promise.all(faults.map(assertSurvived));
    failedCount += failed.filter(Boolean).length;
  }
  assert(failedCount > 25, `${failedCount} operations`);
});

/** False where nothing failed. */
async function assertSurvived(fault: Fault): Promise<boolean> {
  const { failed, problems, warned } = await liveThrough(fault);
  const context = JSON.stringify({ ...fault, failed, problems, warned });
  assert(!problems.some(({ pod }) => pod === "neighbour"), context);
  if (failed === "") return false;
  const told = problems.filter(({ found }) => found.message.includes(fault.code));
  // What fails once the pod has ended is nobody's Problem any more.
  assert(told.length > 0 || warned.some((words) => words.includes(fault.code)), context);
  return true;
}

for (const [what, breakIt] of [
  ["a process that can't be started", () => Promise.reject(new Error("EAGAIN: no process"))],
  ["a sandbox that can't be made", () => Promise.reject(new Error("ENOSPC: no namespace"))],
] as const) {
  test(`PodRunner survives ${what}, says so, and tries again`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "meltemi-fault-"));
    const store = createTestStore();
    const problems: Problem[] = [];
    let failuresLeft = 2;
    const base = bareSurroundings(directory, { events: [], log: new ContainerLog() });
    const sandbox = bareSandbox([]);
    const fails = () => {
      failuresLeft -= 1;
      return failuresLeft >= 0;
    };
    const isSandbox = what.includes("sandbox");
    const kubelet = new Kubelet({
      store,
      onGone: () => undefined,
      runtime: {
        ...base,
        clock: quickClock,
        onProblem: (_pod, _place, found) => found && problems.push(found),
        createSandbox: async () => {
          if (isSandbox && fails()) await breakIt();
          return {
            ...sandbox,
            spawn(options) {
              if (!isSandbox && fails()) throw new Error("EAGAIN: no process");
              return sandbox.spawn(options);
            },
          };
        },
      },
    });
    store.apply([buildTestPod({ command: ["sleep", "60"] })] as never);
    await store.until(() => isReady(store.list("Pod")[0] as unknown as Pod));
    assert.equal(problems.filter(({ code }) => code === "MLT3109").length, 2);
    await kubelet.close(0);
    await rm(directory, { recursive: true, force: true });
  });
}

test("PodRunner survives errors of an output stream", async () => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-fault-"));
  const store = createTestStore();
  const base = bareSurroundings(directory, { events: [], log: new ContainerLog() });
  const sandbox = bareSandbox([]);
  const broken = new PassThrough();
  const kubelet = new Kubelet({
    store,
    onGone: () => undefined,
    runtime: {
      ...base,
      createSandbox: async () => ({
        ...sandbox,
        spawn(options) {
          const started = sandbox.spawn(options);
          started.child.stdout?.destroy();
          started.child.stdout = broken;
          return started;
        },
      }),
    },
  });
  store.apply([buildTestPod({ command: ["sleep", "60"] })] as never);
  await store.until(() => isReady(store.list("Pod")[0] as unknown as Pod));
  broken.destroy(new Error("EIO: made by the test"));
  await immediately();
  assert(isReady(store.list("Pod")[0] as unknown as Pod));
  await kubelet.close(0);
  await rm(directory, { recursive: true, force: true });
});
