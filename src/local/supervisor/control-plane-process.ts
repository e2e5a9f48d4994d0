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
  /** It serves, for the first time or again. */
  readonly onServing: () => void;
  /** It ended before it has ever served, and would each time: said once, and it isn't started again. */
  readonly onStartFailed: (sentence: string) => void;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
const SOUND_AFTER_MS = 10_000;
const TERMINATION_GRACE_MS = 2_000;
// A signal may have come from elsewhere, such as a machine short of memory; an exit code is the program's own word.
const MAX_FIRST_SIGNALS = 3;

export class ControlPlaneProcess {
  readonly #options: ControlPlaneOptions;
  #child: ChildProcess | undefined;
  #restartCount = 0;
  #delayMs = FIRST_DELAY_MS;
  #cancelRestart: (() => void) | undefined;
  #isClosing = false;
  #hasServed = false;
  #isServing = false;
  #firstSignalCount = 0;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#run();
  }

  /** Undefined between its death and its return. */
  get child(): ChildProcess | undefined {
    return this.#child;
  }

  /** The child once it takes connections. */
  get server(): ChildProcess | undefined {
    return this.#isServing ? this.#child : undefined;
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
      if (isMessage(message, "serving")) this.#onServing();
      if (isFailedMessage(message)) sentence = message.sentence;
    });
    let hasEnded = false;
    let sentence: string | undefined;
    const onEnd = (end: Omit<ControlPlaneEnd, "ranForMs" | "sentence">) => {
      if (hasEnded) return;
      hasEnded = true;
      this.#onEnd({ ...end, ranForMs: clock.now() - startedAtMs, sentence });
    };
    child.once("exit", (code, signal) => onEnd({ code, signal }));
    // Without a listener a failed send to a dying child would end the supervisor.
    child.on("error", (cause) => {
      if (child.pid === undefined) onEnd({ cause: cause.message });
    });
  }

  /** Nobody has been served yet, and nobody would be by another start. */
  #isHopeless({ signal }: Pick<ControlPlaneEnd, "signal">): boolean {
    if (this.#hasServed) return false;
    return typeof signal !== "string" || ++this.#firstSignalCount >= MAX_FIRST_SIGNALS;
  }

  #onServing(): void {
    this.#hasServed = true;
    this.#isServing = true;
    this.#options.onServing();
  }

  #onEnd({ ranForMs, sentence, ...fields }: ControlPlaneEnd): void {
    this.#child = undefined;
    this.#isServing = false;
    if (this.#isClosing) return;
    if (this.#isHopeless(fields)) {
      this.#options.log.error({ ...fields, sentence }, "control plane failed to start");
      this.#options.onStartFailed(sentence ?? describeEnd(fields));
      return;
    }
    if (ranForMs >= SOUND_AFTER_MS) this.#delayMs = FIRST_DELAY_MS;
    this.#options.log.warn({ ...fields, restartInMs: this.#delayMs }, "control plane ended");
    this.#cancelRestart = this.#options.clock.after(this.#delayMs, () => {
      this.#restartCount += 1;
      this.#run();
    });
    this.#delayMs = Math.min(MAX_DELAY_MS, this.#delayMs * 2);
  }
}

interface ControlPlaneEnd {
  readonly code?: number | null;
  readonly signal?: NodeJS.Signals | null;
  /** Why it couldn't be started. */
  readonly cause?: string;
  readonly ranForMs: number;
  /** What it said of its failure. */
  readonly sentence: string | undefined;
}

function describeEnd({ code, signal, cause }: Pick<ControlPlaneEnd, "code" | "signal" | "cause">): string {
  if (cause !== undefined) return `The control plane can't be started: ${cause}`;
  const how = typeof signal === "string" ? `was killed by ${signal}` : `ended with code ${code}`;
  return `The control plane ${how} before it served`;
}

function isMessage(message: unknown, kind: string): message is object {
  return typeof message === "object" && message !== null && "meltemi" in message && message.meltemi === kind;
}

function isFailedMessage(message: unknown): message is { readonly sentence: string } {
  return isMessage(message, "failed") && "sentence" in message && typeof message.sentence === "string";
}

function isProblemsMessage(message: unknown): message is { readonly problems: readonly Problem[] } {
  return isMessage(message, "problems") && "problems" in message && Array.isArray(message.problems);
}
