import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { bareSurroundings } from "../../../tests/support/bare-sandbox-fixture.ts";
import { buildTestPod, referencedObjects } from "../../../tests/support/pod-fixture.ts";
import { systemClock } from "../../core/clock.ts";
import type { Problem } from "../../core/problem.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { ContainerLog } from "./container-log.ts";
import { PodRunner } from "./pod-runner.ts";
import type { PodRuntime } from "./pod-runtime.ts";

async function run(context: TestContext, pod: Pod, given: Partial<PodRuntime> = {}) {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-pod-"));
  const events: string[] = [];
  const problems: Problem[] = [];
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of waiters) waiter();
  };
  const log = new ContainerLog();
  log.watch((line) => {
    events.push(line.text);
    wake();
  });
  const runtime: PodRuntime = {
    ...bareSurroundings(directory, { events, log }),
    onProblem: (_, __, found) => {
      if (found !== undefined) problems.push(found);
    },
    onStatus: wake,
    ...given,
  };
  const runner = new PodRunner(pod, runtime);
  context.after(async () => {
    await runner.terminate(0);
    await rm(directory, { recursive: true, force: true });
  });
  const until = (claim: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(new Error(`not seen: ${JSON.stringify({ status: runner.pod.status, events, problems })}`)),
        20_000,
      );
      const check = () => {
        if (!claim()) return;
        clearTimeout(timer);
        waiters.delete(check);
        resolve();
      };
      waiters.add(check);
      check();
    });
  runner.start();
  return { runner, events, problems, until, directory };
}

function isReady(runner: PodRunner): boolean {
  return (
    runner.pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false
  );
}

function script(text: string): readonly string[] {
  return ["sh", "-c", text];
}

test("PodRunner runs init containers in order, then the applications", async (context) => {
  const pod = buildTestPod(
    { command: script("echo app; exec sleep 60") },
    {
      spec: {
        initContainers: [
          { name: "one", command: script("sleep 0.1; echo one") },
          { name: "istio-init", args: ["istio-iptables", "-p", "15001"] },
          { name: "two", command: script("echo two") },
        ],
      },
    },
  );
  const { runner, events, until } = await run(context, pod);
  await until(() => events.includes("app") && isReady(runner));
  assert.deepEqual(events, ["one", "capture istio-iptables -p 15001", "two", "app"]);
  assert.equal(runner.pod.status?.phase, "Running");
  assert.equal(runner.pod.status?.podIP, "127.0.0.1");
});

test("PodRunner tries a failed init container again", async (context) => {
  const init = { name: "once", command: script("[ -e done ] || { touch done; exit 1; }") };
  const pod = buildTestPod({ command: script("exec sleep 60") }, { spec: { initContainers: [init] } });
  const { runner, until } = await run(context, pod);
  await until(() => isReady(runner));
  assert.equal(runner.pod.status?.initContainerStatuses?.[0]?.restartCount, 1);
});

test("PodRunner holds applications until the sidecar is ready, and ends it after them", async (context) => {
  let openGate: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    openGate = resolve;
  });
  const order: string[] = [];
  const pod = buildTestPod(
    {},
    {
      spec: {
        containers: [
          {
            name: "app",
            command: script("trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done"),
          },
          { name: "istio-proxy" },
        ],
      },
    },
  );
  const { runner, events, until } = await run(context, pod, {
    startSidecar: async () => {
      order.push("sidecar started");
      return {
        adminSocketPath: "",
        taps: { open: () => undefined },
        pid: undefined,
        restartCount: 0,
        ready: () => gate,
        probe: async () => ({ isSuccess: true, message: "" }),
        commandOptions: (argv: readonly string[]) => ({ argv, env: {}, uid: 0, gid: 0 }),
        drain: async () => void order.push("drained"),
        close: async () => void order.push("closed"),
      };
    },
  });
  await until(() => order.includes("sidecar started"));
  assert.ok(!events.includes("up"));
  openGate();
  await until(() => events.includes("up") && isReady(runner));
  await runner.terminate(5);
  assert.deepEqual(events, ["up", "endpoints left", "bye", "sandbox closed"]);
  assert.deepEqual(order, ["sidecar started", "drained", "closed"]);
});

test("PodRunner of a job succeeds and ends its sidecar", async (context) => {
  let isClosed = false;
  const containers = [{ name: "app", command: script("echo done") }, { name: "istio-proxy" }];
  const pod = buildTestPod({}, { spec: { restartPolicy: "Never", containers } });
  const { runner, until } = await run(context, pod, {
    startSidecar: async () => ({
      adminSocketPath: "",
      taps: { open: () => undefined },
      pid: undefined,
      restartCount: 0,
      ready: async () => undefined,
      probe: async () => ({ isSuccess: true, message: "" }),
      commandOptions: (argv: readonly string[]) => ({ argv, env: {}, uid: 0, gid: 0 }),
      drain: async () => undefined,
      close: async () => {
        isClosed = true;
      },
    }),
  });
  await until(() => runner.pod.status?.phase === "Succeeded" && isClosed);
});

test("PodRunner starts a container again as its restartPolicy says, else the pod's", async (context) => {
  const restartsOf = async (ofContainer: "OnFailure" | undefined, ofPod: "Never" | "OnFailure") => {
    const policy = ofContainer === undefined ? {} : { restartPolicy: ofContainer };
    const command = script("[ -e done ] && exec sleep 60; touch done; exit 1");
    const pod = buildTestPod({ command, ...policy }, { spec: { restartPolicy: ofPod } });
    const { runner, until } = await run(context, pod);
    const state = () => runner.pod.status?.containerStatuses?.[0];
    await until(() => (state()?.restartCount ?? 0) > 0 || runner.pod.status?.phase === "Failed");
    return state()?.restartCount;
  };
  assert.equal(await restartsOf(undefined, "Never"), 0);
  assert.equal(await restartsOf(undefined, "OnFailure"), 1);
  assert.equal(await restartsOf("OnFailure", "Never"), 1);
});

test("PodRunner kills what doesn't end within terminationGracePeriodSeconds", async (context) => {
  const command = script("trap '' TERM; echo up; while :; do sleep 0.05; done");
  const pod = buildTestPod({ command }, { spec: { terminationGracePeriodSeconds: 7 } });
  const delaysMs: number[] = [];
  const { runner, events, until } = await run(context, pod, {
    clock: {
      // Nothing of the grace is used up by the time that the test itself takes.
      now: () => 0,
      after(delayMs, callback) {
        delaysMs.push(delayMs);
        return systemClock.after(delayMs === 7_000 ? 0 : delayMs, callback);
      },
    },
  });
  await until(() => events.includes("up"));
  await runner.terminate();
  assert.ok(delaysMs.includes(7_000), `waited for ${delaysMs}`);
});

test("PodRunner mounts volumes and follows a ConfigMap's changes", async (context) => {
  let colour = "red";
  const spec: Partial<Pod["spec"]> = {
    volumes: [
      { name: "config", configMap: { name: "settings" } },
      { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token", audience: "x" } }] } },
    ],
  };
  const mounts = [
    { name: "config", mountPath: "/etc/shop" },
    { name: "token", mountPath: "/var/token" },
  ];
  const pod = buildTestPod(
    {},
    {
      spec: {
        ...spec,
        containers: [{ name: "app", command: script("exec sleep 60"), volumeMounts: mounts }],
      },
    },
  );
  const { runner, directory, until } = await run(context, pod, {
    objects: referencedObjects({
      configMap: (namespace, name) => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace },
        data: { colour },
      }),
    }),
  });
  await until(() => isReady(runner));
  const volumes = join(directory, "pods/shop/reviews-1");
  assert.equal(await readFile(join(volumes, "config/colour"), "utf8"), "red");
  assert.equal(await readFile(join(volumes, "token/token"), "utf8"), "token default x");
  colour = "blue";
  await runner.refresh();
  assert.equal(await readFile(join(volumes, "config/colour"), "utf8"), "blue");
});

test("PodRunner says which executable is missing and what to do", async (context) => {
  const pod = buildTestPod({ command: ["no-such-program"] });
  const { runner, problems, until } = await run(context, pod);
  await until(() => problems.length > 0);
  assert.equal(problems[0]?.code, "MLT3102");
  assert.equal(runner.pod.status?.phase, "Pending");
});

test("PodRunner asks exec probes in the container and is ready by them", async (context) => {
  const readinessProbe = { exec: { command: ["test", "-e", "ready"] }, periodSeconds: 1 };
  const pod = buildTestPod({ command: script("sleep 0.3; touch ready; exec sleep 60"), readinessProbe });
  const { runner, until } = await run(context, pod);
  await until(() => runner.pod.status?.phase === "Running");
  assert.equal(isReady(runner), false);
  await until(() => isReady(runner));
});

test("PodRunner isn't ready while its sidecar's Envoy is down", async (context) => {
  let tellDown: () => void = () => undefined;
  let isServing = true;
  const containers = [{ name: "app", command: script("exec sleep 60") }, { name: "istio-proxy" }];
  const { runner, until } = await run(context, buildTestPod({}, { spec: { containers } }), {
    startSidecar: async (_, __, { events }) => {
      tellDown = events.onDown;
      return {
        adminSocketPath: "",
        taps: { open: () => undefined },
        pid: undefined,
        get restartCount() {
          return isServing ? 0 : 1;
        },
        ready: () => (isServing ? Promise.resolve() : gate),
        probe: async () => ({ isSuccess: true, message: "" }),
        commandOptions: (argv: readonly string[]) => ({ argv, env: {}, uid: 0, gid: 0 }),
        drain: async () => undefined,
        close: async () => undefined,
      };
    },
  });
  let openGate: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    openGate = resolve;
  });
  await until(() => isReady(runner));
  isServing = false;
  tellDown();
  assert.equal(isReady(runner), false);
  openGate();
  await until(() => isReady(runner));
  assert.equal(runner.pod.status?.containerStatuses?.[1]?.restartCount, 1);
});
