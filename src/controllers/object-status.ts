// Writes into the status of Istio's objects whether they are accepted, and how many proxies have them. It looks at
// changed objects first and at all others in turn, a few at a time; it counts the proxies of this replica alone.

import { isDeepStrictEqual } from "node:util";
import type { Backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { type ObjectKey, parseObjectKey } from "../core/object-key.ts";
import { pause } from "../core/pause.ts";
import { kindByName } from "../kinds/all-kinds.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { isApiError } from "../kubernetes/api-error.ts";
import { applyObject, getObject } from "../kubernetes/api-objects.ts";
import { resourceOfKind } from "../kubernetes/api-resource.ts";
import { createApiRetry } from "../kubernetes/api-retry.ts";
import {
  type Condition,
  conditionsOf,
  type HostAddress,
  isUnsettled,
  type ObjectFacts,
  sameConditions,
} from "./status-conditions.ts";

export interface ObjectStatusOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** Of all objects that there are, also of those that aren't accepted. */
  readonly keys: () => Iterable<ObjectKey>;
  /** Another text whenever any facts may have changed. Where it rejects, it is asked again. */
  readonly news: () => Promise<string>;
  /** What is known of one now; undefined where it has gone, or is another's to write. A rejection is tried again. */
  readonly factsOf: (key: ObjectKey) => Promise<ObjectFacts | undefined>;
}

export interface ObjectStatusWriter {
  /** The object was written, or what is known of it has changed. */
  touch(key: ObjectKey): void;
  close(): void;
}

const FIELD_MANAGER = "meltemi-status";
const LOOK_EVERY_MS = 100;
const NEWS_EVERY_MS = 500;
const NEWS_AFTER_FAILURE_MS = 5_000;
const LOOKS_AT_ONCE = 5;
/** Of one object; what changes meanwhile goes as one. */
const WRITE_EVERY_MS = 1_000;
/** Without news: somebody else may have written into a status. */
const SWEEP_EVERY_MS = 600_000;
const backoff: Backoff = { firstMs: 500, maxMs: 30_000 };

/**
 * At most fifty objects a second are looked at, and at most as many written: those that were touched first, then all of
 * them when there is news, else those that some proxy has yet to answer for. Works until it is closed.
 */
export function startObjectStatus(options: ObjectStatusOptions): ObjectStatusWriter {
  const stop = new AbortController();
  const writer = new StatusWriter(options);
  void writer.run(stop.signal);
  return { touch: (key) => writer.touch(key), close: () => stop.abort() };
}

interface Written {
  /** Undefined where it may be another now. */
  readonly told: ToldStatus | undefined;
  readonly atMs: number;
}

interface ToldStatus {
  readonly generation: number;
  readonly conditions: readonly Condition[];
  readonly addresses: readonly HostAddress[];
}

class StatusWriter {
  readonly #options: ObjectStatusOptions;
  /** When they may be looked at again. */
  readonly #urgent = new Map<ObjectKey, number>();
  readonly #writtenByKey = new Map<ObjectKey, Written>();
  #round: ObjectKey[] = [];
  /** As it was when the last round began. */
  #news: string | undefined;
  #newsDueMs = Number.NEGATIVE_INFINITY;
  #sweepDueMs = Number.NEGATIVE_INFINITY;
  /** Some proxies have yet to answer for them. */
  readonly #unsettled = new Set<ObjectKey>();

  constructor(options: ObjectStatusOptions) {
    this.#options = options;
  }

  touch(key: ObjectKey): void {
    if (!hasStatus(key)) return;
    const written = this.#writtenByKey.get(key);
    // The same may be true of another generation now.
    if (written !== undefined) this.#writtenByKey.set(key, { ...written, told: undefined });
    this.#urgent.set(key, (written?.atMs ?? Number.NEGATIVE_INFINITY) + WRITE_EVERY_MS);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    const retry = createApiRetry(backoff, random);
    while (!signal.aborted) {
      await pause(clock, LOOK_EVERY_MS, signal);
      for (const key of await this.#next()) {
        if (signal.aborted) return;
        try {
          await this.#look(key);
          retry.succeeded();
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          log.info({ object: key, reason }, "status not written");
          this.#urgent.set(key, clock.now() + WRITE_EVERY_MS);
          await pause(clock, retry.delayAfterMs(error), signal);
        }
      }
    }
  }

  async #next(): Promise<readonly ObjectKey[]> {
    const nowMs = this.#options.clock.now();
    const due = [...this.#urgent].filter(([, notBeforeMs]) => notBeforeMs <= nowMs).map(([key]) => key);
    const keys = due.slice(0, LOOKS_AT_ONCE);
    for (const key of keys) this.#urgent.delete(key);
    if (keys.length > 0) return keys;
    if (this.#round.length === 0 && nowMs >= this.#newsDueMs)
      this.#round = (await this.#hasNews()) ? this.#newRound() : [...this.#unsettled];
    return this.#round.splice(0, LOOKS_AT_ONCE);
  }

  async #hasNews(): Promise<boolean> {
    const { clock, log, news } = this.#options;
    const nowMs = clock.now();
    this.#newsDueMs = nowMs + NEWS_EVERY_MS;
    const isSweep = nowMs >= this.#sweepDueMs;
    try {
      const latest = await news();
      const hasChanged = latest !== this.#news || isSweep;
      this.#news = latest;
      if (hasChanged) this.#sweepDueMs = nowMs + SWEEP_EVERY_MS;
      if (isSweep) this.#forgetTold();
      return hasChanged;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.info({ reason }, "replicas not asked");
      this.#newsDueMs = nowMs + NEWS_AFTER_FAILURE_MS;
      return false;
    }
  }

  #newRound(): ObjectKey[] {
    const keys = [...this.#options.keys()].filter(hasStatus);
    const known = new Set(keys);
    for (const key of this.#writtenByKey.keys()) if (!known.has(key)) this.#writtenByKey.delete(key);
    for (const key of this.#unsettled) if (!known.has(key)) this.#unsettled.delete(key);
    return keys;
  }

  #forgetTold(): void {
    for (const [key, { atMs }] of this.#writtenByKey) this.#writtenByKey.set(key, { atMs, told: undefined });
  }

  async #look(key: ObjectKey): Promise<void> {
    const { client, clock, factsOf } = this.#options;
    const facts = await factsOf(key);
    if (facts !== undefined && isUnsettled(facts)) this.#unsettled.add(key);
    else this.#unsettled.delete(key);
    if (facts === undefined) return;
    const now = new Date(clock.now());
    const nowMs = now.getTime();
    const { told, atMs } = this.#writtenByKey.get(key) ?? {};
    if (told !== undefined && saysAll(told, statusOf(facts, { before: told, now }))) return;
    if (atMs !== undefined && nowMs < atMs + WRITE_EVERY_MS) {
      this.#urgent.set(key, atMs + WRITE_EVERY_MS);
      return;
    }
    const { kind, namespace, name } = parseObjectKey(key);
    const live = await getObject(client, resourceOf(kind), { namespace, name });
    if (live === undefined) return;
    const before = liveStatus(live);
    // What is known is of an older one: the news is on its way.
    if (facts.generation !== undefined && facts.generation !== before.generation) {
      this.#urgent.set(key, nowMs + WRITE_EVERY_MS);
      return;
    }
    const status = statusOf(facts, { before, now });
    const isToldAlready = Number(before.observedGeneration) === status.generation && saysAll(before, status);
    if (!isToldAlready) await this.#write(live, status);
    // It may have been touched meanwhile.
    this.#writtenByKey.set(key, { told: this.#urgent.has(key) ? undefined : status, atMs: nowMs });
  }

  async #write(live: KubernetesObject, { generation, conditions, addresses }: ToldStatus): Promise<void> {
    // To the API server the list is one value, so what others wrote into it must be said again.
    const ofOthers = liveStatus(live).conditions.filter(
      ({ type }) => !conditions.some((each) => each.type === type),
    );
    const { apiVersion, kind, metadata } = live;
    const { name, namespace } = metadata;
    const object = {
      apiVersion,
      kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      // A number, though Istio writes text: `kubectl wait` then knows a condition of an older generation.
      status: {
        observedGeneration: generation,
        conditions: [...ofOthers, ...conditions],
        ...(addresses.length === 0 ? {} : { addresses }),
      },
    };
    const how = { fieldManager: FIELD_MANAGER, isForced: true, subresource: "status" };
    try {
      await applyObject(this.#options.client, resourceOf(kind), object, how);
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
    }
  }
}

function statusOf(
  facts: ObjectFacts,
  { before, now }: { readonly before: ToldStatus; readonly now: Date },
): ToldStatus {
  const generation = facts.generation ?? before.generation;
  const conditions = conditionsOf({ ...facts, generation }, { before: before.conditions, now });
  return { generation, conditions, addresses: facts.addresses ?? [] };
}

function saysAll(told: ToldStatus, wanted: ToldStatus): boolean {
  return (
    told.generation === wanted.generation &&
    sameConditions(told.conditions, wanted.conditions) &&
    isDeepStrictEqual(told.addresses, wanted.addresses)
  );
}

/** The definitions of Istio's kinds take any status, also null. */
function liveStatus({ metadata, status }: KubernetesObject) {
  const { conditions, observedGeneration, addresses } = (status ?? {}) as LiveStatus;
  return {
    generation: metadata.generation ?? 0,
    observedGeneration,
    conditions: conditions ?? [],
    addresses: addresses ?? [],
  };
}

interface LiveStatus {
  readonly conditions?: readonly Condition[] | null;
  readonly observedGeneration?: string | number;
  readonly addresses?: readonly HostAddress[];
}

function hasStatus(key: ObjectKey): boolean {
  return kindByName.get(parseObjectKey(key).kind)?.group.endsWith(".istio.io") === true;
}

function resourceOf(kind: string) {
  const declared = kindByName.get(kind);
  if (declared === undefined) throw new Error(`No kind is called ${kind}`);
  return resourceOfKind(declared);
}
