// Keeps the control plane running as a process of its own: started again with back-off when it dies, so that
// proxies find it where it was. It decides nothing about what the control plane does.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Problem } from "../../core/problem.ts";
import { splitLines } from "../workloads/line-splitter.ts";

export interface ControlPlaneOptions {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onLine: (stream: "stdout" | "stderr", text: string) => void;
  /** All that it finds wrong between objects. */
  readonly onProblems: (problems: readonly Problem[]) => void;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
const SOUND_AFTER_MS = 10_000;
const TERMINATION_GRACE_MS = 2_000;

export class ControlPlaneProcess {
  readonly #options: ControlPlaneOptions;
  #child: ChildProcess | undefined;
  #restartCount = 0;
  #delayMs = FIRST_DELAY_MS;
  #cancelRestart: (() => void) | undefined;
  #isClosing = false;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#run();
  }

  /** Undefined between its death and its return. */
  get child(): ChildProcess | undefined {
    return this.#child;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get restartCount(): number {
    return this.#restartCount;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#cancelRestart?.();
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    child.kill("SIGTERM");
    const cancelKill = this.#options.clock.after(TERMINATION_GRACE_MS, () => child.kill("SIGKILL"));
    await ended;
    cancelKill();
  }

  #run(): void {
    const { argv, env, clock, log, onLine, onProblems } = this.#options;
    const [program, ...args] = argv;
    const startedAtMs = clock.now();
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe", "ipc"], env });
    this.#child = child;
    log.info({ pid: child.pid }, "control plane started");
    for (const stream of ["stdout", "stderr"] as const) {
      const splitter = splitLines((text) => onLine(stream, text));
      child[stream]?.on("data", (chunk: Uint8Array) => splitter.write(chunk));
      child[stream]?.on("end", () => splitter.end());
    }
    child.on("message", (message: unknown) => {
      if (isProblemsMessage(message)) onProblems(message.problems);
    });
    let hasEnded = false;
    const onEnd = (fields: object) => {
      if (hasEnded) return;
      hasEnded = true;
      this.#onEnd(clock.now() - startedAtMs, fields);
    };
    child.once("exit", (code, signal) => onEnd({ code, signal }));
    // Without a listener a failed send to a dying child would end the supervisor.
    child.on("error", (cause) => {
      if (child.pid === undefined) onEnd({ cause: cause.message });
    });
  }

  #onEnd(ranForMs: number, fields: object): void {
    this.#child = undefined;
    if (this.#isClosing) return;
    if (ranForMs >= SOUND_AFTER_MS) this.#delayMs = FIRST_DELAY_MS;
    this.#options.log.warn({ ...fields, restartInMs: this.#delayMs }, "control plane ended");
    this.#cancelRestart = this.#options.clock.after(this.#delayMs, () => {
      this.#restartCount += 1;
      this.#run();
    });
    this.#delayMs = Math.min(MAX_DELAY_MS, this.#delayMs * 2);
  }
}

function isProblemsMessage(message: unknown): message is { readonly problems: readonly Problem[] } {
  return (
    typeof message === "object" &&
    message !== null &&
    "meltemi" in message &&
    message.meltemi === "problems" &&
    "problems" in message &&
    Array.isArray(message.problems)
  );
}
