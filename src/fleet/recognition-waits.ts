// Streams whose pod isn't here yet: each waits until it is recognized, for so long and no longer. Kubernetes may tell a
// pod's own proxy of the pod before it tells us.

import type { Clock } from "../core/clock.ts";

const LONGEST_WAIT_MS = 5_000;

export class RecognitionWaits {
  readonly #clock: Clock;
  readonly #endsByKey = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the stream is recognized, or has waited long enough; never for a stream that left. */
  wait(key: string): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(LONGEST_WAIT_MS, () => this.recognized(key));
      this.#endsByKey.set(key, () => {
        cancel();
        resolve();
      });
    });
  }

  recognized(key: string): void {
    const end = this.#endsByKey.get(key);
    this.#endsByKey.delete(key);
    end?.();
  }

  left(key: string): void {
    this.#endsByKey.delete(key);
  }
}
