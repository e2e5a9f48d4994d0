// What a pod's runner tries again, ever less often: bringing the pod up, until that succeeds or the pod is to end, and
// cleaning up after it, a few times.

import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { objectKey } from "../../core/object-key.ts";
import { type Problem, problem } from "../../core/problem.ts";
import { NO_BACK_OFF, nextBackOff } from "./restart-policy.ts";

const TRIES_TO_CLEAN_UP = 3;

export interface PodAttemptsOptions {
  readonly pod: { readonly namespace: string; readonly name: string };
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
  /** Aborts when the pod is to end. */
  readonly signal: AbortSignal;
  /** Undefined when what was told is no more. */
  readonly onProblem: (found: Problem | undefined) => void;
}

export class PodAttempts {
  readonly #options: PodAttemptsOptions;

  constructor(options: PodAttemptsOptions) {
    this.#options = options;
  }

  /** Tries until it succeeds, and says why it fails; undefined when the pod is to end. */
  async persist<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { signal, onProblem } = this.#options;
    for (let backOff = NO_BACK_OFF; !signal.aborted; ) {
      try {
        const outcome = await work();
        if (backOff.count > 0) onProblem(undefined);
        return outcome;
      } catch (cause) {
        backOff = nextBackOff(backOff, 0);
        this.explain(cause, backOff.delayMs);
        await this.#pause(backOff.delayMs);
      }
    }
    return undefined;
  }

  /** Without `retryInMs` nothing is tried again. */
  explain(cause: unknown, retryInMs?: number): void {
    const { namespace, name } = this.#options.pod;
    const message = wordsOf(cause);
    this.#options.log.warn(
      { pod: `${namespace}/${name}`, cause: message, ...(retryInMs === undefined ? {} : { retryInMs }) },
      "pod start failed",
    );
    const found = problem("MLT3109", {
      object: objectKey({ kind: "Pod", namespace, name }),
      message: `Cannot start the pod${retryInMs === undefined ? "" : " yet, will try again"}: ${message}`,
    });
    this.#options.onProblem(found);
  }

  /** Tries a few times; what stays then is logged, and goes with the mesh's next start. */
  async cleanUp(work: () => Promise<void>): Promise<void> {
    const { clock, log, pod } = this.#options;
    for (let backOff = NO_BACK_OFF; ; ) {
      try {
        return await work();
      } catch (cause) {
        backOff = nextBackOff(backOff, 0);
        log.warn({ pod: `${pod.namespace}/${pod.name}`, cause: wordsOf(cause) }, "pod left something behind");
        if (backOff.count >= TRIES_TO_CLEAN_UP) return;
        await new Promise<void>((resolve) => {
          clock.after(backOff.delayMs, resolve);
        });
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.after(delayMs, resolve);
      signal.addEventListener("abort", () => {
        cancel();
        resolve();
      });
    });
  }
}

function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
