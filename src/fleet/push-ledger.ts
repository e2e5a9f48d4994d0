// What each push was: why it was made, how many proxies it reached, what it cost, and when the last of them was in step.
// It keeps the newest and decides nothing: whoever pushes tells it.

import type { Clock } from "../core/clock.ts";
import type { ObjectKey } from "../core/object-key.ts";

export interface PushLedgerOptions {
  readonly clock: Pick<Clock, "now">;
  /** CPU time of the process in ms, from any start. */
  readonly cpuNowMs: () => number;
  readonly events?: PushEvents;
  /** How many pushes are kept; 10,000 unless given, which take some 6 MB. */
  readonly capacity?: number;
}

/** Called for every event; a metrics room may stand behind them. */
export interface PushEvents {
  began(trigger: PushTrigger): void;
  /** A proxy is in step with a push, so long after the first of its changes was seen. */
  converged(afterMs: number): void;
  /** Every proxy that was sent something is in step or gone. Not called for a push that sent nothing. */
  settled?(push: Push): void;
}

/** `config` and `endpoint`: objects changed; `proxy`: a proxy came, left or changed; `refusal`: one refused or took something. */
export type PushTrigger = "config" | "endpoint" | "proxy" | "issuer-keys" | "secret-readers" | "refusal";

export interface PushCause {
  readonly trigger: PushTrigger;
  /** When the first change was seen; now unless given. */
  readonly sinceMs?: number;
  /** In any order, the first ten at the most. */
  readonly objects?: readonly ChangedRevision[];
  /** How many there are; as many as are listed unless given. */
  readonly objectCount?: number;
  /** The proxy that came, left or refused, as `NAME.NAMESPACE`. */
  readonly proxy?: string;
}

export interface ChangedRevision {
  readonly object: ObjectKey;
  /** Its `resourceVersion`; absent where it was deleted, and in a file. */
  readonly revision?: string;
}

export interface Push {
  /** Counts from 1 at the start of the process. */
  readonly id: number;
  readonly cause: PushCause;
  readonly sinceMs: number;
  /** Proxies that were sent something. */
  readonly proxyCount: number;
  /** Of these, those that have answered all that they were sent. */
  readonly inStepCount: number;
  /** Of these, those whose stream ended before. */
  readonly leftCount: number;
  readonly responseCount: number;
  readonly refusedCount: number;
  readonly bytes: number;
  /** Of the control plane: finding what changes, encoding and sending it. */
  readonly cpuMs: number;
  /** When the last proxy that is in step came into step; absent before the first. */
  readonly lastInStepMs?: number;
}

type OpenPush = { -readonly [K in keyof Push]: Push[K] };

const DEFAULT_CAPACITY = 10_000;
export const MAX_CAUSES_LISTED = 10;

export class PushLedger {
  readonly #options: PushLedgerOptions;
  /** The newest last; where it is full, the oldest is at `#count % capacity`. */
  readonly #kept: OpenPush[] = [];
  readonly #open: OpenPushes;
  #count = 0;
  #running: RunningPush | undefined;

  constructor(options: PushLedgerOptions) {
    this.#options = options;
    this.#open = new OpenPushes(options.events);
  }

  /** What sessions are given meanwhile is one push of this cause; there is none where nothing is given. */
  run<T>(cause: PushCause, act: () => T): T {
    // What a push itself leads to is part of it.
    if (this.#running !== undefined) return act();
    const running: RunningPush = { cause, push: undefined };
    this.#running = running;
    const startMs = this.#options.cpuNowMs();
    try {
      return act();
    } finally {
      this.#running = undefined;
      if (running.push !== undefined) {
        running.push.cpuMs += this.#options.cpuNowMs() - startMs;
        this.#open.release(running.push);
      }
    }
  }

  /** The newest first. */
  newest(limit: number): readonly Push[] {
    const newest: Push[] = [];
    for (let id = this.#count; id > 0 && newest.length < limit; id -= 1) {
      const push = this.#kept[(id - 1) % this.#capacity];
      if (push?.id !== id) break;
      newest.push(push);
    }
    return newest;
  }

  /** Of one session: closed with `left`. */
  follow(): SessionPushes {
    return new SessionPushes(this.#options, { current: () => this.#current(), open: this.#open });
  }

  get #capacity(): number {
    return this.#options.capacity ?? DEFAULT_CAPACITY;
  }

  #current(): OpenPush | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    running.push ??= this.#begin(running.cause);
    return running.push;
  }

  #begin(cause: PushCause): OpenPush {
    this.#count += 1;
    const push: OpenPush = {
      id: this.#count,
      cause,
      sinceMs: cause.sinceMs ?? this.#options.clock.now(),
      proxyCount: 0,
      inStepCount: 0,
      leftCount: 0,
      responseCount: 0,
      refusedCount: 0,
      bytes: 0,
      cpuMs: 0,
    };
    this.#kept[(push.id - 1) % this.#capacity] = push;
    this.#open.hold(push);
    this.#options.events?.began(cause.trigger);
    return push;
  }
}

/** Pushes that aren't over: their run lasts, or a session owes an answer. */
class OpenPushes {
  readonly #events: PushEvents | undefined;
  readonly #holders = new Map<OpenPush, number>();

  constructor(events: PushEvents | undefined) {
    this.#events = events;
  }

  hold(push: OpenPush): void {
    this.#holders.set(push, (this.#holders.get(push) ?? 0) + 1);
  }

  release(push: OpenPush): void {
    const left = (this.#holders.get(push) ?? 1) - 1;
    if (left > 0) {
      this.#holders.set(push, left);
      return;
    }
    this.#holders.delete(push);
    if (push.proxyCount > 0) this.#events?.settled?.(push);
  }
}

interface RunningPush {
  readonly cause: PushCause;
  push: OpenPush | undefined;
}

interface OwedPush {
  readonly push: OpenPush;
  /** The session was sent something since; else the push didn't concern it after all. */
  isSent: boolean;
}

// A client that never answers owes more with each push: the oldest are given up, and stay unanswered.
const MAX_OWED = 64;

/** The pushes that one proxy isn't in step with yet. What is sent while several are owed counts for the newest. */
export class SessionPushes {
  readonly #options: PushLedgerOptions;
  readonly #current: () => OpenPush | undefined;
  readonly #open: OpenPushes;
  readonly #owed: OwedPush[] = [];

  constructor(
    options: PushLedgerOptions,
    { current, open }: { readonly current: () => OpenPush | undefined; readonly open: OpenPushes },
  ) {
    this.#options = options;
    this.#current = current;
    this.#open = open;
  }

  /** The session has been given something by the push that runs. */
  given(): void {
    const push = this.#current();
    if (push === undefined || this.#owed.at(-1)?.push === push) return;
    this.#open.hold(push);
    this.#owed.push({ push, isSent: false });
    if (this.#owed.length > MAX_OWED) this.#release(1);
  }

  sent(bytes: number): void {
    for (const each of this.#owed) {
      if (!each.isSent) each.push.proxyCount += 1;
      each.isSent = true;
    }
    const newest = this.#owed.at(-1)?.push;
    if (newest === undefined) return;
    newest.responseCount += 1;
    newest.bytes += bytes;
  }

  refused(): void {
    const newest = this.#owed.at(-1)?.push;
    if (newest !== undefined) newest.refusedCount += 1;
  }

  /** CPU time that went into what was sent. */
  spent(cpuMs: number): void {
    const newest = this.#owed.at(-1);
    if (newest?.isSent) newest.push.cpuMs += cpuMs;
  }

  /** Everything was sent and answered. */
  inStep(): void {
    if (this.#owed.length === 0) return;
    const nowMs = this.#options.clock.now();
    for (const { push, isSent } of this.#owed) {
      if (!isSent) continue;
      push.inStepCount += 1;
      push.lastInStepMs = nowMs;
      this.#options.events?.converged(nowMs - push.sinceMs);
    }
    this.#release(this.#owed.length);
  }

  /** The stream has ended. */
  left(): void {
    for (const { push, isSent } of this.#owed) if (isSent) push.leftCount += 1;
    this.#release(this.#owed.length);
  }

  /** The oldest so many. */
  #release(count: number): void {
    for (const { push } of this.#owed.splice(0, count)) this.#open.release(push);
  }
}
