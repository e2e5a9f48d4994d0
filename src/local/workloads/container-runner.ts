// Keeps one container running as its pod's restart policy says: starts its process, asks its probes, runs its
// hooks, waits between restarts. What a process needs and how it is asked come as functions.

import type { Clock } from "../../core/clock.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { LifecycleHandler, Probe } from "../../kinds/pod/probe.ts";
import type { ContainerSnapshot, ContainerState, Termination } from "./container-state.ts";
import type { ProbeOutcome } from "./probe-loop.ts";
import { runProbeLoop } from "./probe-loop.ts";
import type { ProbeKind } from "./probe-state.ts";
import { probeTiming } from "./probe-state.ts";
import type { Resolution } from "./resolution.ts";
import type { BackOff, RestartPolicy } from "./restart-policy.ts";
import { NO_BACK_OFF, nextBackOff, runsAgain } from "./restart-policy.ts";
import type { SandboxProcess } from "./sandbox-process.ts";

export interface ContainerRunnerOptions {
  readonly container: Container;
  readonly restartPolicy: RestartPolicy;
  readonly clock: Clock;
  /** How long a process may take to end after SIGTERM when a probe condemned it. */
  readonly graceMs: number;
  /** Makes the process, or says why it can't be made now. */
  readonly start: () => Promise<Resolution<SandboxProcess>>;
  readonly ask: (kind: ProbeKind, probe: Probe) => Promise<ProbeOutcome>;
  /** Resolves with what went wrong, undefined if nothing. */
  readonly runHook: (handler: LifecycleHandler) => Promise<string | undefined>;
  readonly onChange: () => void;
  /** A remark in the container's own log. */
  readonly say: (text: string) => void;
  /** Undefined withdraws what was told of the topic before. */
  readonly onProblem: (topic: ContainerTopic, problem: Problem | undefined) => void;
}

/** What a container may have a problem with, each told and withdrawn by itself. */
export type ContainerTopic = "start" | "hook" | "crash";

// One crash is an accident, three in a row are worth telling the user.
const RESTARTS_BEFORE_PROBLEM = 3;
// A container that stayed up so long, and twice as long as it ever did before it crashed, is no longer said to crash.
const SOUND_AFTER_MS = 10_000;

export class ContainerRunner {
  readonly #options: ContainerRunnerOptions;
  readonly #endWaiters = new Set<() => void>();
  #state: ContainerState = { kind: "waiting", reason: "PodInitializing" };
  #lastEnd: Termination | undefined;
  #restartCount = 0;
  #backOff: BackOff = NO_BACK_OFF;
  #longestRunMs = 0;
  readonly #standing = new Set<ContainerTopic>();
  #failures: BackOff = NO_BACK_OFF;
  #isStarted = false;
  #isReady = false;
  #isStopping = false;
  #process: SandboxProcess | undefined;
  #probes: (() => void)[] = [];
  #cancelTimer: (() => void) | undefined;

  constructor(options: ContainerRunnerOptions) {
    this.#options = options;
  }

  get snapshot(): ContainerSnapshot {
    return {
      container: this.#options.container,
      state: this.#state,
      ...(this.#lastEnd === undefined ? {} : { lastEnd: this.#lastEnd }),
      restartCount: this.#restartCount,
      isStarted: this.#isStarted,
      isReady: this.#isReady,
    };
  }

  get pid(): number | undefined {
    return this.#state.kind === "running" ? this.#process?.pid : undefined;
  }

  /** Starts the process; a container that is already up or stopping is left alone. */
  async start(): Promise<void> {
    if (this.#isStopping || this.#process !== undefined) return;
    this.#change({ kind: "waiting", reason: "ContainerCreating" });
    const outcome = await this.#tryStart();
    if (outcome === undefined) return;
    if (this.#isStopping) {
      if (outcome.kind === "resolved") outcome.value.kill("SIGKILL");
      return;
    }
    if (outcome.kind === "unresolved") {
      this.#options.onProblem("start", outcome.problem);
      const reason = outcome.problem.code === "MLT3101" ? "ErrImagePull" : "CreateContainerConfigError";
      this.#change({ kind: "waiting", reason, message: outcome.problem.message });
      return;
    }
    this.#options.onProblem("start", undefined);
    this.#run(outcome.value);
  }

  /** Undefined, with another try to come, where it failed for a reason that isn't the manifest's. */
  async #tryStart(): Promise<Resolution<SandboxProcess> | undefined> {
    try {
      const outcome = await this.#options.start();
      this.#failures = NO_BACK_OFF;
      return outcome;
    } catch (cause) {
      if (this.#isStopping) return undefined;
      this.#failures = nextBackOff(this.#failures, 0);
      const reason = wordsOf(cause);
      const message = `Cannot start container "${this.#options.container.name}" yet, will try again: ${reason}`;
      this.#options.onProblem("start", problem("MLT3109", { message }));
      this.#change({ kind: "waiting", reason: "CreateContainerError", message });
      this.#startIn(this.#failures.delayMs);
      return undefined;
    }
  }

  #startIn(delayMs: number): void {
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      void this.start();
    });
  }

  /** Tries again if the container waits for objects that weren't there. */
  retry(): void {
    if (this.#state.kind === "waiting" && this.#state.message !== undefined && !this.#isStopping) {
      if (this.#cancelTimer === undefined) void this.start();
    }
  }

  /** Resolves when the container has ended and won't run again. */
  ended(): Promise<void> {
    if (this.#isOver()) return Promise.resolve();
    return new Promise((resolve) => this.#endWaiters.add(resolve));
  }

  /** preStop, SIGTERM, and SIGKILL when `graceMs` have passed since the call. */
  async stop(graceMs: number): Promise<void> {
    if (this.#isStopping) return this.ended();
    this.#isStopping = true;
    this.#cancelTimer?.();
    this.#closeProbes();
    const running = this.#process;
    if (running === undefined) return this.#finishStop();
    const deadlineMs = this.#options.clock.now() + graceMs;
    const preStop = this.#options.container.lifecycle?.preStop;
    if (preStop !== undefined) {
      await Promise.race([this.#hook("preStop", preStop), this.#wait(graceMs), running.exited]);
    }
    await this.#terminate(running, Math.max(0, deadlineMs - this.#options.clock.now()));
    this.#finishStop();
  }

  #finishStop(): void {
    this.#isReady = false;
    for (const resolve of this.#endWaiters) resolve();
    this.#endWaiters.clear();
  }

  #run(running: SandboxProcess): void {
    this.#process = running;
    const startedAtMs = this.#options.clock.now();
    const { startupProbe, readinessProbe, lifecycle } = this.#options.container;
    this.#isStarted = startupProbe === undefined;
    this.#isReady = startupProbe === undefined && readinessProbe === undefined;
    this.#change({ kind: "running", startedAtMs });
    const soundAfterMs = Math.max(SOUND_AFTER_MS, 2 * this.#longestRunMs);
    this.#probes.push(this.#options.clock.after(soundAfterMs, () => this.#withdraw("crash")));
    void running.exited.then((exit) => this.#onExit(running, { ...exit, startedAtMs }));
    if (lifecycle?.postStart !== undefined) void this.#postStart(running, lifecycle.postStart);
    if (startupProbe === undefined) this.#watchHealth(running);
    else this.#watchStartup(running, startupProbe);
  }

  async #postStart(running: SandboxProcess, handler: LifecycleHandler): Promise<void> {
    const failure = await this.#hook("postStart", handler);
    if (failure !== undefined && !this.#isStopping) await this.#terminate(running, this.#options.graceMs);
  }

  async #hook(name: "postStart" | "preStop", handler: LifecycleHandler): Promise<string | undefined> {
    const failure = await this.#options.runHook(handler).catch(wordsOf);
    if (failure === undefined) {
      this.#withdraw("hook");
      return undefined;
    }
    this.#options.say(`${name} hook failed: ${failure}`);
    const message = `The ${name} hook of container "${this.#options.container.name}" failed: ${failure}`;
    this.#tellOnce("hook", problem("MLT3113", { message }));
    return failure;
  }

  #watchStartup(running: SandboxProcess, probe: Probe): void {
    const end = this.#probe("startup", probe, (isPassing, message) => {
      if (!isPassing) return this.#condemn(running, "startup", message);
      end();
      this.#isStarted = true;
      this.#isReady = this.#options.container.readinessProbe === undefined;
      this.#options.onChange();
      this.#watchHealth(running);
    });
  }

  #watchHealth(running: SandboxProcess): void {
    const { readinessProbe, livenessProbe } = this.#options.container;
    if (readinessProbe !== undefined) {
      this.#probe("readiness", readinessProbe, (isPassing, message) => {
        if (!isPassing) this.#options.say(`readiness probe failed: ${message}`);
        this.#isReady = isPassing;
        this.#options.onChange();
      });
    }
    if (livenessProbe === undefined) return;
    this.#probe("liveness", livenessProbe, (isPassing, message) => {
      if (!isPassing) this.#condemn(running, "liveness", message);
    });
  }

  #probe(kind: ProbeKind, probe: Probe, onVerdict: (isPassing: boolean, message: string) => void) {
    const { clock, ask } = this.#options;
    const end = runProbeLoop({
      kind,
      timing: probeTiming(probe),
      clock,
      ask: () => ask(kind, probe).catch((cause) => ({ isSuccess: false, message: wordsOf(cause) })),
      onVerdict: (verdict, message) => onVerdict(verdict === "passing", message),
    });
    this.#probes.push(end);
    return end;
  }

  #condemn(running: SandboxProcess, kind: ProbeKind, message: string): void {
    this.#options.say(`${kind} probe failed, the container is restarted: ${message}`);
    this.#closeProbes();
    void this.#terminate(running, this.#options.graceMs);
  }

  async #terminate(running: SandboxProcess, graceMs: number): Promise<void> {
    running.kill("SIGTERM");
    const cancelKill = this.#options.clock.after(graceMs, () => running.kill("SIGKILL"));
    await running.exited;
    cancelKill();
  }

  #onExit(running: SandboxProcess, exit: Omit<Termination, "finishedAtMs">): void {
    if (this.#process !== running) return;
    this.#process = undefined;
    this.#closeProbes();
    this.#isStarted = false;
    this.#isReady = false;
    const end: Termination = { ...exit, finishedAtMs: this.#options.clock.now() };
    this.#state = { kind: "terminated", end };
    const isOver = this.#isOver();
    if (!isOver) this.#restartLater(end);
    else if (!this.#isStopping) this.#finishStop();
    this.#options.onChange();
  }

  #restartLater(end: Termination): void {
    const ranForMs = end.finishedAtMs - end.startedAtMs;
    this.#backOff = nextBackOff(this.#backOff, ranForMs);
    this.#longestRunMs = Math.max(this.#longestRunMs, ranForMs);
    const { delayMs, count } = this.#backOff;
    const ended = `ended with exit code ${end.exitCode}`;
    this.#options.say(`${ended}, starts again in ${delayMs} ms`);
    this.#lastEnd = end;
    this.#restartCount += 1;
    if (count >= RESTARTS_BEFORE_PROBLEM) this.#tellOnce("crash", this.#crashLoop(ended));
    if (count > 1) this.#state = { kind: "waiting", reason: "CrashLoopBackOff", message: ended };
    this.#startIn(delayMs);
  }

  // Each restart finds the same anew, in words that vary by a number or a time: it is one problem until it is over.
  #tellOnce(topic: ContainerTopic, found: Problem): void {
    if (this.#standing.has(topic)) return;
    this.#standing.add(topic);
    this.#options.onProblem(topic, found);
  }

  #withdraw(topic: ContainerTopic): void {
    if (this.#standing.delete(topic)) this.#options.onProblem(topic, undefined);
  }

  #crashLoop(ended: string): Problem {
    return problem("MLT3110", {
      message: `Container "${this.#options.container.name}" ${ended} again and again, and is started again each time`,
      hint: "its last words: meltemi logs WORKLOAD; its restarts are counted by meltemi get pods",
    });
  }

  /** Nothing runs, and nothing will. */
  #isOver(): boolean {
    if (this.#process !== undefined) return false;
    if (this.#isStopping) return true;
    if (this.#state.kind !== "terminated") return false;
    return !runsAgain(this.#options.restartPolicy, this.#state.end.exitCode);
  }

  #closeProbes(): void {
    for (const close of this.#probes) close();
    this.#probes = [];
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(delayMs, resolve);
    });
  }

  #change(state: ContainerState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
