// Keeps the keys of issuers fresh: fetches what is wanted, again every 20 minutes, sooner after a failure. The last good
// ones stay while an endpoint is away, for 7 days. Only one of the replicas does this; what it finds is stored for all.

import { isDeepStrictEqual } from "node:util";
import { type Backoff, backoffDelayMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { pause } from "../core/pause.ts";
import type { FetchedKeys } from "./fetch-keys.ts";
import { type KeyRecord, type KeyRecords, MAX_RECORDS_BYTES, recordsByteCount } from "./key-record.ts";

export interface Wanted {
  /** Of one request. */
  readonly timeoutMs: number;
}

export interface KeyKeeperOptions {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** By location. */
  readonly wanted: () => Iterable<readonly [string, Wanted]>;
  /** Calls when it may have changed; returns what ends it. */
  readonly watchWanted: (listener: () => void) => () => void;
  /** As they were stored before. */
  readonly stored: KeyRecords;
  readonly fetch: (
    location: string,
    options: Wanted & { readonly signal: AbortSignal },
  ) => Promise<FetchedKeys>;
  /** Told of each try. */
  readonly events?: { fetched(): void; failed(): void };
  /** Tried again where it rejects. */
  readonly store: (records: KeyRecords, signal: AbortSignal) => Promise<void>;
}

const REFRESH_MS = 20 * 60_000;
const KEEP_MS = 7 * 24 * 3_600_000;
/** A policy that is replaced comes back: its keys wait for it. */
const FORGET_AFTER_MS = 10 * 60_000;
const MAX_FETCHES = 8;
const fetchBackoff: Backoff = { firstMs: 1_000, maxMs: 60_000 };
const storeBackoff: Backoff = { firstMs: 500, maxMs: 30_000 };

export interface RunningKeyKeeper {
  /** Somebody looked at what is stored; where it isn't what was found, it is stored again. */
  seeStored(records: KeyRecords): void;
  close(): void;
}

/** Works until it is closed. */
export function startKeyKeeper(options: KeyKeeperOptions): RunningKeyKeeper {
  const keeper = new KeyKeeper(options);
  keeper.follow();
  const endWatch = options.watchWanted(() => keeper.follow());
  return {
    seeStored: (records) => keeper.seeStored(records),
    close() {
      endWatch();
      keeper.close();
    },
  };
}

class KeyKeeper {
  readonly #options: KeyKeeperOptions;
  readonly #records: Map<string, KeyRecord>;
  /** What ends the care of each location; of one that nobody wants, its forgetting. */
  readonly #wanted = new Map<string, AbortController>();
  readonly #unwanted = new Map<string, AbortController>();
  readonly #stop = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #fetchCount = 0;
  #isStored = true;
  #isStoring = false;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
    this.#records = new Map(options.stored);
  }

  follow(): void {
    const wanted = new Map(this.#options.wanted());
    for (const [location, end] of this.#wanted) {
      if (wanted.has(location)) continue;
      end.abort();
      this.#wanted.delete(location);
    }
    for (const location of this.#records.keys()) {
      if (!wanted.has(location) && !this.#unwanted.has(location)) void this.#forget(location);
    }
    for (const [location, { timeoutMs }] of wanted) {
      this.#unwanted.get(location)?.abort();
      this.#unwanted.delete(location);
      if (!this.#wanted.has(location)) void this.#keep(location, timeoutMs);
    }
  }

  seeStored(records: KeyRecords): void {
    if (isDeepStrictEqual(new Map(records), this.#records)) return;
    this.#isStored = false;
    void this.#storeAll();
  }

  close(): void {
    this.#stop.abort();
    for (const end of [...this.#wanted.values(), ...this.#unwanted.values()]) end.abort();
  }

  async #keep(location: string, timeoutMs: number): Promise<void> {
    const { clock, random, log, events } = this.#options;
    const { signal } = this.#begin(this.#wanted, location);
    let failureCount = 0;
    const freshForMs = this.#freshForMs(location);
    if (freshForMs > 0) await pause(clock, freshForMs, signal);
    while (!signal.aborted) {
      const fetched = await this.#inTurn(() => this.#fetch(location, timeoutMs, signal), signal);
      if (signal.aborted || fetched === undefined) return;
      if (fetched.kind === "keys") events?.fetched();
      else events?.failed();
      const before = this.#records.get(location);
      const record = this.#recordOf(location, fetched);
      failureCount = record.failure === undefined ? 0 : failureCount + 1;
      if (record.failure !== before?.failure)
        log.info({ location, reason: record.failure ?? "none" }, "fetching an issuer's keys");
      this.#write(location, record);
      const nextMs =
        failureCount === 0
          ? REFRESH_MS * (0.9 + random() / 10)
          : backoffDelayMs(failureCount - 1, fetchBackoff, random);
      await pause(clock, nextMs, signal);
    }
  }

  async #forget(location: string): Promise<void> {
    const { signal } = this.#begin(this.#unwanted, location);
    await pause(this.#options.clock, FORGET_AFTER_MS, signal);
    if (signal.aborted) return;
    this.#unwanted.delete(location);
    this.#write(location, undefined);
  }

  #begin(all: Map<string, AbortController>, location: string): AbortController {
    const end = new AbortController();
    all.set(location, end);
    return end;
  }

  /** Those that a predecessor fetched are good for the rest of their time. */
  #freshForMs(location: string): number {
    const { jwks, fetchedAt, failure } = this.#records.get(location) ?? {};
    if (jwks === undefined || failure !== undefined) return 0;
    const ageMs = this.#options.clock.now() - Date.parse(fetchedAt ?? "");
    // An age that can't be is that of another clock.
    return ageMs >= 0 && ageMs < REFRESH_MS ? REFRESH_MS - ageMs : 0;
  }

  async #fetch(location: string, timeoutMs: number, signal: AbortSignal): Promise<FetchedKeys> {
    try {
      return await this.#options.fetch(location, { timeoutMs, signal });
    } catch (error) {
      // The others' keys are kept whatever goes wrong with one.
      this.#options.log.error({ location, error }, "fetching keys threw");
      return { kind: "failed", reason: "an internal error of the control plane, see its log" };
    }
  }

  #recordOf(location: string, fetched: FetchedKeys): KeyRecord {
    const nowMs = this.#options.clock.now();
    if (fetched.kind === "keys") {
      const record = { jwks: fetched.jwks, fetchedAt: new Date(nowMs).toISOString() };
      const all = recordsByteCount(new Map([...this.#records, [location, record]]));
      if (all <= MAX_RECORDS_BYTES) return record;
      return this.#failed(location, `the keys of all issuers take more than ${MAX_RECORDS_BYTES / 1024} KiB`);
    }
    return this.#failed(location, fetched.reason);
  }

  #failed(location: string, failure: string): KeyRecord {
    const { jwks, fetchedAt } = this.#records.get(location) ?? {};
    const ageMs = this.#options.clock.now() - Date.parse(fetchedAt ?? "");
    if (jwks === undefined || fetchedAt === undefined || !(ageMs < KEEP_MS)) return { failure };
    return { jwks, fetchedAt, failure };
  }

  #write(location: string, record: KeyRecord | undefined): void {
    const before = this.#records.get(location);
    if (record === undefined) this.#records.delete(location);
    else this.#records.set(location, record);
    if (isDeepStrictEqual(before, record)) return;
    this.#isStored = false;
    void this.#storeAll();
  }

  async #storeAll(): Promise<void> {
    if (this.#isStoring) return;
    this.#isStoring = true;
    const { clock, random, log, store } = this.#options;
    const { signal } = this.#stop;
    let failureCount = 0;
    while (!this.#isStored && !signal.aborted) {
      this.#isStored = true;
      try {
        await store(new Map(this.#records), signal);
        failureCount = 0;
      } catch (error) {
        this.#isStored = false;
        const reason = error instanceof Error ? error.message : String(error);
        log.warn({ reason }, "issuers' keys not stored");
        await pause(clock, backoffDelayMs(failureCount, storeBackoff, random), signal);
        failureCount += 1;
      }
    }
    this.#isStoring = false;
  }

  /** At most so many are asked at once; undefined where it isn't wanted any more. */
  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    while (this.#fetchCount >= MAX_FETCHES) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (signal.aborted) {
      this.#waiting.shift()?.();
      return undefined;
    }
    this.#fetchCount += 1;
    try {
      return await work();
    } finally {
      this.#fetchCount -= 1;
      this.#waiting.shift()?.();
    }
  }
}
