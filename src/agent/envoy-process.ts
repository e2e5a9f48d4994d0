// Keeps one Envoy running: starts it, starts it again with back-off after a crash, and lets it end in peace. Gives up
// only where somebody is there to be told.
// How a process is started comes in, so that it may be in a pod's namespaces and as another user.

import { backoffDelayMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { EnvoyAdmin } from "./envoy-admin.ts";

export interface RunningProcess {
  readonly pid: number | undefined;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Settles when the process is gone, also when it could not be started. */
  readonly ended: Promise<ProcessEnd>;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it could not be started; then there is neither code nor signal. */
  readonly reason?: string;
}

/**
 * Starts Envoy with these arguments; the caller adds binary, environment, user and namespaces. `takeLine` is given each line
 * of its standard output, and says whether it was meant for the agent: what wasn't is its log.
 */
export type SpawnEnvoy = (args: readonly string[], takeLine: TakeLine) => RunningProcess;

export type TakeLine = (line: string) => boolean;

export interface EnvoyArguments {
  readonly bootstrapPath: string;
  /** JSON or YAML that Envoy merges into its bootstrap. */
  readonly bootstrapOverride?: string;
  /** Worker threads. Default 2, as Istio's sidecars. */
  readonly concurrency?: number;
  /** Over how long Envoy asks clients to leave once it drains. Default 45 s. */
  readonly drainTimeSeconds?: number;
  /** Default `warning`. */
  readonly logLevel?: string;
  /** Such as `upstream:debug,connection:trace`. */
  readonly componentLogLevel?: string;
}

export function envoyArguments(options: EnvoyArguments): readonly string[] {
  const { bootstrapPath, bootstrapOverride, concurrency = 2, drainTimeSeconds = 45 } = options;
  return [
    ...["-c", bootstrapPath],
    ...(bootstrapOverride === undefined ? [] : ["--config-yaml", bootstrapOverride]),
    ...["--restart-epoch", "0"],
    ...["--drain-time-s", String(drainTimeSeconds)],
    ...["--drain-strategy", "immediate"],
    ...["--local-address-ip-version", "v4"],
    ...["--file-flush-interval-msec", "500"],
    "--disable-hot-restart",
    "--allow-unknown-static-fields",
    ...["--log-format", "%Y-%m-%dT%T.%fZ\t%l\tenvoy %n %g:%#\t%v\tthread=%t"],
    ...["-l", options.logLevel ?? "warning"],
    ...(options.componentLogLevel === undefined ? [] : ["--component-log-level", options.componentLogLevel]),
    ...["--concurrency", String(concurrency)],
  ];
}

export interface EnvoyProcessOptions {
  readonly spawn: SpawnEnvoy;
  readonly args: readonly string[];
  readonly takeLine: TakeLine;
  /** Called before each start but the first. */
  readonly onRestart?: () => void;
  readonly admin: EnvoyAdmin;
  /**
   * Told of an end that another start doesn't mend: Envoy was asked to quit, said why it can't run, or crashed five times
   * within 10 s of its start. Absent: Envoy is started again whatever happened.
   */
  readonly onGivenUp?: (end: ProcessEnd) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export interface DrainOptions {
  /** For sidecars, whose app still makes calls while it ends. Default false. */
  readonly inboundOnly?: boolean;
  /** How long clients get after they were asked to leave. Default 5 s. */
  readonly terminationDrainMs?: number;
  /** End as soon as no connection is open, but not before `minimumDrainMs` (default 5 s), instead of after a fixed time. */
  readonly exitOnZeroActiveConnections?: boolean;
  readonly minimumDrainMs?: number;
}

export interface EnvoyProcess {
  readonly pid: number | undefined;
  /** How often Envoy was started again after it ended by itself. */
  readonly restartCount: number;
  /** Asks clients to leave, waits, then ends Envoy; an aborted signal cuts the wait short. */
  drain(options?: DrainOptions, signal?: AbortSignal): Promise<void>;
  /** Ends Envoy: SIGTERM, and SIGKILL when that isn't obeyed within 5 s. */
  close(): Promise<void>;
}

const backoff = { firstMs: 200, maxMs: 15_000 };
// A process that ran this long counts as sound: its next crash begins the back-off anew.
const SOUND_AFTER_MS = 10_000;
const MAX_CRASHES = 5;
const KILL_AFTER_MS = 5_000;
const CONNECTION_POLL_MS = 500;

export function startEnvoyProcess(options: EnvoyProcessOptions): EnvoyProcess {
  const { clock, log, admin } = options;
  let current: RunningProcess | undefined;
  let restartCount = 0;
  let failureCount = 0;
  let isClosing = false;
  let cancelRestart: (() => void) | undefined;

  const run = (): void => {
    const startedMs = clock.now();
    const started = options.spawn(options.args, options.takeLine);
    current = started;
    log.info({ pid: started.pid }, "envoy started");
    void started.ended.then((end) => {
      current = undefined;
      if (isClosing) return;
      if (clock.now() - startedMs >= SOUND_AFTER_MS) failureCount = 0;
      failureCount++;
      const isCrash = end.signal !== null && failureCount < MAX_CRASHES;
      if (options.onGivenUp !== undefined && !isCrash) return options.onGivenUp(end);
      const delayMs = backoffDelayMs(failureCount - 1, backoff, options.random);
      log.warn({ pid: started.pid, ...end, restartInMs: delayMs }, "envoy ended unexpectedly");
      cancelRestart = clock.after(delayMs, () => {
        restartCount++;
        options.onRestart?.();
        run();
      });
    });
  };

  const close = async (): Promise<void> => {
    isClosing = true;
    cancelRestart?.();
    const ending = current;
    if (ending === undefined) return;
    const cancelKill = clock.after(KILL_AFTER_MS, () => ending.kill("SIGKILL"));
    ending.kill("SIGTERM");
    const end = await ending.ended;
    cancelKill();
    log.info({ pid: ending.pid, ...end }, "envoy stopped");
  };

  run();
  return {
    get pid() {
      return current?.pid;
    },
    get restartCount() {
      return restartCount;
    },
    async drain(drainOptions = {}, signal) {
      // From here on an Envoy that ends has done what was asked of it.
      isClosing = true;
      cancelRestart?.();
      const gone = new AbortController();
      void current?.ended.then(() => gone.abort());
      const cut = signal === undefined ? gone.signal : AbortSignal.any([gone.signal, signal]);
      try {
        await admin.startDraining(drainOptions.inboundOnly ?? false);
        await waitForConnections(drainOptions, { admin, clock, signal: cut });
      } catch (error) {
        log.warn({ reason: error instanceof Error ? error.message : String(error) }, "envoy not drained");
      }
      await close();
    },
    close,
  };
}

interface DrainWait {
  readonly admin: EnvoyAdmin;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function waitForConnections(options: DrainOptions, { admin, clock, signal }: DrainWait): Promise<void> {
  const { terminationDrainMs = 5_000, exitOnZeroActiveConnections = false, minimumDrainMs = 5_000 } = options;
  await waitFor(clock, exitOnZeroActiveConnections ? minimumDrainMs : terminationDrainMs, signal);
  while (exitOnZeroActiveConnections && !signal.aborted && (await admin.countActiveConnections()) > 0) {
    await waitFor(clock, CONNECTION_POLL_MS, signal);
  }
}

function waitFor(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal.addEventListener("abort", finish);
  });
}
