import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import type { Clock } from "../../core/clock.ts";
import { ManualClock, systemClock } from "../../core/clock.ts";
import { problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { ContainerRunnerOptions } from "./container-runner.ts";
import { ContainerRunner } from "./container-runner.ts";
import { resolved, unresolved } from "./resolution.ts";
import { watchProcess } from "./sandbox-process.ts";

/** A runner of real processes; `until` waits for its state by its own events. */
function run(
  script: string,
  options: Partial<ContainerRunnerOptions> & { container?: Container; clock?: Clock } = {},
) {
  const lines: string[] = [];
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of waiters) waiter();
  };
  const runner = new ContainerRunner({
    container: { name: "app" },
    restartPolicy: "Always",
    clock: systemClock,
    graceMs: 2_000,
    start: async () => {
      const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"] });
      const take = (_: string, text: string) => {
        lines.push(text);
        wake();
      };
      return resolved(
        watchProcess({ child, pid: child.pid, kill: (signal) => void child.kill(signal) }, take),
      );
    },
    ask: async () => ({ isSuccess: true, message: "" }),
    runHook: async () => undefined,
    onChange: wake,
    say: (text) => {
      lines.push(`# ${text}`);
      wake();
    },
    onProblem: () => undefined,
    ...options,
  });
  const until = (claim: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`not seen; ${JSON.stringify(runner.snapshot)}`)),
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
  return { runner, lines, until };
}

test("ContainerRunner restarts a killed process and keeps count", async () => {
  const { runner, lines, until } = run("echo up; exec sleep 60");
  await runner.start();
  await until(() => lines.includes("up"));
  process.kill(runner.pid ?? 0, "SIGKILL");
  await until(() => runner.snapshot.restartCount === 1 && runner.snapshot.state.kind === "running");
  assert.equal(runner.snapshot.lastEnd?.exitCode, 137);
  assert.ok(lines.some((line) => line.includes("starts again in 200 ms")));
  await runner.stop(2_000);
});

test("ContainerRunner waits longer before each restart", async () => {
  const clock = new ManualClock();
  const { runner, until } = run("exit 3", { clock });
  await runner.start();
  await until(() => runner.snapshot.restartCount === 1);
  clock.advance(200);
  await until(() => runner.snapshot.restartCount === 2);
  assert.deepEqual(runner.snapshot.state, {
    kind: "waiting",
    reason: "CrashLoopBackOff",
    message: "ended with exit code 3",
  });
  clock.advance(399);
  assert.equal(runner.snapshot.restartCount, 2);
  clock.advance(1);
  await until(() => runner.snapshot.restartCount === 3);
  await runner.stop(0);
});

test("ContainerRunner lets a finished process be when the policy says so", async () => {
  const { runner } = run("exit 0", { restartPolicy: "OnFailure" });
  await runner.start();
  await runner.ended();
  assert.equal(runner.snapshot.state.kind === "terminated" && runner.snapshot.state.end.exitCode, 0);
});

test("ContainerRunner is ready only after its startup and readiness probes passed", async () => {
  let isHealthy = false;
  const asked = new Set<string>();
  const container = { name: "app", startupProbe: {}, readinessProbe: {} };
  const ask: ContainerRunnerOptions["ask"] = async (kind) => {
    asked.add(kind);
    return { isSuccess: isHealthy, message: "" };
  };
  const { runner, until } = run("exec sleep 60", { container, ask });
  await runner.start();
  assert.deepEqual([runner.snapshot.isStarted, runner.snapshot.isReady], [false, false]);
  isHealthy = true;
  await until(() => runner.snapshot.isReady);
  assert.deepEqual([...asked], ["startup", "readiness"]);
  await runner.stop(2_000);
});

test("ContainerRunner restarts a container whose liveness probe fails", async () => {
  const container = { name: "app", livenessProbe: { failureThreshold: 1 } };
  const ask = async () => ({ isSuccess: false, message: "HTTP 500" });
  const { runner, lines, until } = run("exec sleep 60", { container, ask });
  await runner.start();
  await until(() => runner.snapshot.restartCount === 1);
  assert.ok(lines.some((line) => line.includes("liveness probe failed") && line.includes("HTTP 500")));
  await runner.stop(2_000);
});

test("ContainerRunner stops with preStop, then SIGTERM, then SIGKILL after the grace", async () => {
  const order: string[] = [];
  const container = { name: "app", lifecycle: { preStop: { sleep: { seconds: 1 } } } };
  const runHook = async () => {
    order.push("preStop");
    return undefined;
  };
  const script = "trap 'echo term' TERM; echo up; while :; do sleep 0.05; done";
  const { runner, lines, until } = run(script, { container, runHook });
  await runner.start();
  await until(() => lines.includes("up"));
  const startedAt = Date.now();
  await runner.stop(500);
  assert.deepEqual(order, ["preStop"]);
  assert.ok(lines.includes("term"));
  assert.ok(Date.now() - startedAt >= 450);
  assert.equal(runner.snapshot.state.kind === "terminated" && runner.snapshot.state.end.signal, 9);
});

test("ContainerRunner tells why it can't start and starts when the reason is gone", async () => {
  const missing = problem("MLT3103", { message: "Cannot find it" });
  const told: unknown[] = [];
  let isThere = false;
  const { runner, until } = run("", {
    start: async () => {
      if (!isThere) return unresolved(missing);
      const child = spawn("sleep", ["60"]);
      const kill = (signal: NodeJS.Signals) => void child.kill(signal);
      return resolved(watchProcess({ child, pid: child.pid, kill }, () => undefined));
    },
    onProblem: (topic, found) => told.push([topic, found]),
  });
  await runner.start();
  assert.deepEqual(runner.snapshot.state, {
    kind: "waiting",
    reason: "CreateContainerConfigError",
    message: "Cannot find it",
  });
  isThere = true;
  runner.retry();
  await until(() => runner.snapshot.state.kind === "running");
  assert.deepEqual(told, [
    ["start", missing],
    ["start", undefined],
  ]);
  await runner.stop(1_000);
});

/** Each `+` or `-` is a problem told or withdrawn. */
function recordProblems() {
  const told: string[] = [];
  let tell: () => void = () => undefined;
  const hookWorked = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const onProblem: ContainerRunnerOptions["onProblem"] = (topic, found) => {
    if (topic === "start") return;
    told.push(found === undefined ? `-${topic}` : `+${topic} ${found.code}`);
    if (topic === "hook" && found === undefined) tell();
  };
  return { told, onProblem, hookWorked };
}

test("ContainerRunner tells once that a container crashes, whatever its restarts and exit codes", async () => {
  const clock = new ManualClock();
  const { told, onProblem } = recordProblems();
  let startCount = 0;
  const start = async () => {
    startCount += 1;
    const child = spawn("sh", ["-c", `exit ${startCount % 2}`]);
    const kill = (signal: NodeJS.Signals) => void child.kill(signal);
    return resolved(watchProcess({ child, pid: child.pid, kill }, () => undefined));
  };
  const { runner, until } = run("", { clock, start, onProblem });
  await runner.start();
  for (let count = 1; count <= 6; count += 1) {
    await until(() => runner.snapshot.restartCount === count);
    clock.advance(30_000);
  }
  assert.deepEqual(told, ["+crash MLT3110"]);
  await runner.stop(0);
});

test("ContainerRunner says that a container is sound once it stayed up for twice as long as before", async () => {
  const clock = new ManualClock();
  const { told, onProblem } = recordProblems();
  const { runner, until } = run("exec sleep 60", { clock, onProblem });
  await runner.start();
  for (let count = 1; count <= 3; count += 1) {
    await until(() => runner.snapshot.state.kind === "running");
    clock.advance(15_000);
    process.kill(runner.pid ?? 0, "SIGKILL");
    await until(() => runner.snapshot.restartCount === count);
    clock.advance(30_000);
  }
  await until(() => runner.snapshot.state.kind === "running");
  clock.advance(29_000);
  assert.deepEqual(told, ["+crash MLT3110"]);
  clock.advance(1_000);
  assert.deepEqual(told, ["+crash MLT3110", "-crash"]);
  const stopping = runner.stop(0);
  clock.advance(1);
  await stopping;
});

test("ContainerRunner tells a hook's failure once, and withdraws it when the hook works", async () => {
  const clock = new ManualClock();
  const { told, onProblem, hookWorked } = recordProblems();
  let tryCount = 0;
  const runHook = async () => {
    tryCount += 1;
    return tryCount <= 5 ? `try ${tryCount}` : undefined;
  };
  const container = { name: "app", lifecycle: { postStart: { exec: { command: ["x"] } } } };
  const { runner, until } = run("exec sleep 60", { clock, container, runHook, onProblem });
  await runner.start();
  for (let count = 1; count <= 5; count += 1) {
    await until(() => runner.snapshot.restartCount === count);
    clock.advance(30_000);
  }
  await hookWorked;
  assert.deepEqual(told, ["+hook MLT3113", "+crash MLT3110", "-hook"]);
  const stopping = runner.stop(0);
  clock.advance(1);
  await stopping;
});
