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
const backoff: Backoff = { firstMs: 500, maxMs: 30_000 };

/**
 * At most fifty objects a second are looked at, and at most as many written: those that were touched first, and all of
 * them when there is news. Works until it is closed.
 */
export function startObjectStatus(options: ObjectStatusOptions): ObjectStatusWriter {
  const stop = new AbortController();
  const writer = new StatusWriter(options);
  void writer.run(stop.signal);
  return { touch: (key) => writer.touch(key), close: () => stop.abort() };
}

interface Written {
  /** What was known then. */
  readonly facts: string;
  readonly atMs: number;
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

  constructor(options: ObjectStatusOptions) {
    this.#options = options;
  }

  touch(key: ObjectKey): void {
    if (!hasStatus(key)) return;
    const written = this.#writtenByKey.get(key);
    // The same may be true of another generation now.
    if (written !== undefined) this.#writtenByKey.set(key, { ...written, facts: "" });
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
    if (this.#round.length === 0 && (await this.#hasNews())) this.#round = this.#newRound();
    return this.#round.splice(0, LOOKS_AT_ONCE);
  }

  async #hasNews(): Promise<boolean> {
    const { clock, log, news } = this.#options;
    const nowMs = clock.now();
    if (nowMs < this.#newsDueMs) return false;
    this.#newsDueMs = nowMs + NEWS_EVERY_MS;
    try {
      const latest = await news();
      const hasChanged = latest !== this.#news;
      this.#news = latest;
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
    return keys;
  }

  async #look(key: ObjectKey): Promise<void> {
    const { client, clock, factsOf } = this.#options;
    const facts = await factsOf(key);
    if (facts === undefined) return;
    const text = JSON.stringify(facts);
    const written = this.#writtenByKey.get(key);
    if (written?.facts === text) return;
    const nowMs = clock.now();
    if (written !== undefined && nowMs < written.atMs + WRITE_EVERY_MS) {
      this.#urgent.set(key, written.atMs + WRITE_EVERY_MS);
      return;
    }
    const { kind, namespace, name } = parseObjectKey(key);
    const live = await getObject(client, resourceOf(kind), { namespace, name });
    if (live === undefined) return;
    const generation = live.metadata.generation ?? 0;
    // What is known is of an older one: the news is on its way.
    if (facts.generation !== undefined && facts.generation !== generation) {
      this.#urgent.set(key, nowMs + WRITE_EVERY_MS);
      return;
    }
    await this.#write(live, { ...facts, generation });
    // It may have been touched meanwhile.
    this.#writtenByKey.set(key, { facts: this.#urgent.has(key) ? "" : text, atMs: nowMs });
  }

  async #write(live: KubernetesObject, facts: ObjectFacts & { readonly generation: number }): Promise<void> {
    const { client, clock } = this.#options;
    const { conditions: found, observedGeneration, addresses: told } = (live.status ?? {}) as LiveStatus;
    const { addresses } = facts;
    // The definitions of Istio's kinds take any status, also null.
    const before = found ?? [];
    const conditions = conditionsOf(facts, { before, now: new Date(clock.now()) });
    const isToldAlready =
      Number(observedGeneration) === facts.generation && sameConditions(before, conditions);
    if (isToldAlready && isDeepStrictEqual(told ?? [], addresses ?? [])) return;
    // To the API server the list is one value, so what others wrote into it must be said again.
    const ofOthers = before.filter(({ type }) => !conditions.some((each) => each.type === type));
    const { apiVersion, kind, metadata } = live;
    const { name, namespace } = metadata;
    const object = {
      apiVersion,
      kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      // A number, though Istio writes text: `kubectl wait` then knows a condition of an older generation.
      status: {
        observedGeneration: facts.generation,
        conditions: [...ofOthers, ...conditions],
        ...(addresses === undefined || addresses.length === 0 ? {} : { addresses }),
      },
    };
    const how = { fieldManager: FIELD_MANAGER, isForced: true, subresource: "status" };
    try {
      await applyObject(client, resourceOf(kind), object, how);
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
    }
  }
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
