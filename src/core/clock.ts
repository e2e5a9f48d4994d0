// Time as an argument: whatever waits or reads the hour takes a Clock, so that tests can move it by hand.

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once after `delayMs`; returns the function that cancels it. The timer doesn't keep the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

// setTimeout overflows above 2^31-1 ms and would fire at once; AbortSignal.timeout throws above 2^32-1.
const MAX_TIMER_MS = 2_147_483_647;

/** Seconds as a manifest has them, as a time that every timer takes: from 0 to 24 days. */
export function timerMs(seconds: number): number {
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(0, seconds * 1000), MAX_TIMER_MS);
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until told: `advance` runs what falls due, in order of time. */
export class ManualClock implements Clock {
  #nowMs: number;
  #timers: Timer[] = [];

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      const due = next;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = untilMs;
  }

  #nextDue(untilMs: number) {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs <= untilMs && (earliest === undefined || timer.atMs < earliest.atMs)) earliest = timer;
    }
    return earliest;
  }
}
