// Keeps the keys of issuers fresh: fetches what is wanted, again every 20 minutes, sooner after a failure. The last good
// ones stay while an endpoint is away, for 7 days. Only one of the replicas does this; what it finds is stored for all.

import { isDeepStrictEqual } from "node:util";
import { type Backoff, backoffDelayMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { pause } from "../core/pause.ts";
import type { FetchedKeys } from "./fetch-keys.ts";
import { type KeyRecord, type KeyRecords, MAX_RECORDS_BYTES, recordByteCount } from "./key-record.ts";
import { findRoom, type Room } from "./key-room.ts";

export interface Wanted {
  /** Of one request. */
  readonly timeoutMs: number;
  /** Of the policies that want it. */
  readonly namespaces: readonly string[];
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
    options: Pick<Wanted, "timeoutMs"> & { readonly signal: AbortSignal },
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
const FULL = `the keys of all issuers take more than ${MAX_RECORDS_BYTES / 1024} KiB, and those of its namespace the most`;
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
  readonly #records = new Map<string, KeyRecord>();
  readonly #sizes = new Map<string, number>();
  #byteCount = 0;
  #wanted: ReadonlyMap<string, Wanted> = new Map();
  /** What ends the care of each location; of one that nobody wants, its forgetting. */
  readonly #kept = new Map<string, AbortController>();
  readonly #unwanted = new Map<string, AbortController>();
  readonly #stop = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #fetchCount = 0;
  #isStored = true;
  #isStoring = false;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
    for (const [location, record] of options.stored) this.#set(location, record);
  }

  follow(): void {
    const [before, wanted] = [this.#wanted, new Map(this.#options.wanted())];
    this.#wanted = wanted;
    for (const [location, end] of this.#kept) {
      const { timeoutMs } = wanted.get(location) ?? {};
      const isOtherwise = timeoutMs !== before.get(location)?.timeoutMs && this.#isFailing(location);
      // Other times may be all that it needs.
      if (timeoutMs !== undefined && !isOtherwise) continue;
      end.abort();
      this.#kept.delete(location);
    }
    for (const location of this.#records.keys()) {
      if (!wanted.has(location) && !this.#unwanted.has(location)) void this.#forget(location);
    }
    for (const location of wanted.keys()) {
      this.#unwanted.get(location)?.abort();
      this.#unwanted.delete(location);
      if (!this.#kept.has(location)) void this.#keep(location);
    }
  }

  #isFailing(location: string): boolean {
    const record = this.#records.get(location);
    return record === undefined || record.failure !== undefined;
  }

  seeStored(records: KeyRecords): void {
    if (isDeepStrictEqual(new Map(records), this.#records)) return;
    this.#isStored = false;
    void this.#storeAll();
  }

  close(): void {
    this.#stop.abort();
    for (const end of [...this.#kept.values(), ...this.#unwanted.values()]) end.abort();
  }

  async #keep(location: string): Promise<void> {
    const { clock, random, log, events } = this.#options;
    const { signal } = this.#begin(this.#kept, location);
    let failureCount = 0;
    const freshForMs = this.#freshForMs(location);
    if (freshForMs > 0) await pause(clock, freshForMs, signal);
    while (!signal.aborted) {
      const fetched = await this.#inTurn(() => this.#fetch(location, signal), signal);
      if (signal.aborted || fetched === undefined) return;
      if (fetched.kind === "keys") events?.fetched();
      else events?.failed();
      const before = this.#records.get(location);
      const { failure, ...record } = this.#recordOf(location, fetched);
      failureCount = failure === undefined ? 0 : failureCount + 1;
      if (failure !== before?.failure)
        log.info({ location, reason: failure ?? "none" }, "fetching an issuer's keys");
      this.#place(location, failure === undefined ? record : { ...record, failure });
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

  async #fetch(location: string, signal: AbortSignal): Promise<FetchedKeys> {
    const { timeoutMs } = this.#wanted.get(location) ?? { timeoutMs: 0 };
    try {
      return await this.#options.fetch(location, { timeoutMs, signal });
    } catch (error) {
      // The others' keys are kept whatever goes wrong with one.
      this.#options.log.error({ location, error }, "fetching keys threw");
      return { kind: "failed", reason: "an internal error of the control plane, see its log" };
    }
  }

  #recordOf(location: string, fetched: FetchedKeys): KeyRecord {
    if (fetched.kind === "failed") return this.#failed(location, fetched.reason);
    const nowMs = this.#options.clock.now();
    const record = { jwks: fetched.jwks, fetchedAt: new Date(nowMs).toISOString() };
    return this.#roomFor(location, record).kind === "found" ? record : this.#failed(location, FULL);
  }

  #roomFor(location: string, record: KeyRecord): Room {
    const size = recordByteCount(location, record);
    // The usual case; there may be thousands of records.
    if (this.#byteCount - (this.#sizes.get(location) ?? 0) + size <= MAX_RECORDS_BYTES)
      return { kind: "found", givingWay: [] };
    return findRoom(location, {
      sizes: new Map([...this.#sizes, [location, size]]),
      namespacesOf: (each) => this.#wanted.get(each)?.namespaces ?? [],
    });
  }

  /** What gives way to it has no keys until there is room again; where not even a failure can be told, none is. */
  #place(location: string, record: KeyRecord): void {
    const room = this.#roomFor(location, record);
    if (room.kind === "full") return;
    for (const each of room.givingWay) {
      this.#options.log.warn({ location: each, reason: FULL }, "an issuer's keys gave way");
      this.#write(each, undefined);
    }
    this.#write(location, record);
    for (const each of room.givingWay) {
      const failed = { failure: FULL };
      if (this.#wanted.has(each) && this.#hasRoomBeside(each, failed)) this.#write(each, failed);
    }
  }

  #hasRoomBeside(location: string, record: KeyRecord): boolean {
    const room = this.#roomFor(location, record);
    return room.kind === "found" && room.givingWay.length === 0;
  }

  #failed(location: string, failure: string): KeyRecord {
    const { jwks, fetchedAt } = this.#records.get(location) ?? {};
    const ageMs = this.#options.clock.now() - Date.parse(fetchedAt ?? "");
    if (jwks === undefined || fetchedAt === undefined || !(ageMs < KEEP_MS)) return { failure };
    return { jwks, fetchedAt, failure };
  }

  #write(location: string, record: KeyRecord | undefined): void {
    if (isDeepStrictEqual(this.#records.get(location), record)) return;
    this.#set(location, record);
    this.#isStored = false;
    void this.#storeAll();
  }

  #set(location: string, record: KeyRecord | undefined): void {
    this.#byteCount -= this.#sizes.get(location) ?? 0;
    if (record === undefined) {
      this.#records.delete(location);
      this.#sizes.delete(location);
      return;
    }
    const size = recordByteCount(location, record);
    this.#records.set(location, record);
    this.#sizes.set(location, size);
    this.#byteCount += size;
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
