// Lets the work of many streams hold the event loop for a short while only: a storm of connects then leaves room for
// pings, timers and other calls. Without a storm everything runs at once.

import type { Clock } from "../core/clock.ts";

/** Enough for a sidecar or two to be brought in step. */
const TURN_MS = 25;

export interface TurnQueue {
  /** Runs `task` now, or in a later turn if this one is used up; tasks run in the order in which they come. */
  take(task: () => void): void;
}

/** Tasks must not throw. Whoever gives them bounds their number. */
export function createTurnQueue(clock: Clock): TurnQueue {
  let waiting: (() => void)[] = [];
  let doneCount = 0;
  let isTurnOpen = false;
  let turnEndsMs = 0;

  function openTurn(): void {
    isTurnOpen = true;
    turnEndsMs = clock.now() + TURN_MS;
    clock.after(0, nextTurn);
  }

  function nextTurn(): void {
    isTurnOpen = false;
    if (waiting.length === 0) return;
    openTurn();
    while (doneCount < waiting.length && clock.now() < turnEndsMs) {
      const task = waiting[doneCount];
      doneCount += 1;
      task?.();
    }
    waiting = waiting.slice(doneCount);
    doneCount = 0;
  }

  return {
    take(task) {
      if (!isTurnOpen) openTurn();
      if (waiting.length > doneCount || clock.now() >= turnEndsMs) waiting.push(task);
      else task();
    },
  };
}
