// Keeps a replica of one collection of the API server: lists, watches from there, and begins anew where the server
// can't say what happened in between. Only what differs from the replica is passed on.

import { isDeepStrictEqual } from "node:util";
import type { Backoff } from "../../core/backoff.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { type ObjectKey, objectKey } from "../../core/object-key.ts";
import { pause } from "../../core/pause.ts";
import type { Problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import { ApiError, apiErrorOf } from "../../kubernetes/api-error.ts";
import { type ApiResource, resourcePath } from "../../kubernetes/api-resource.ts";
import { createApiRetry } from "../../kubernetes/api-retry.ts";
import type { IngestedObject } from "./ingested-object.ts";
import { withLastGood } from "./last-good-version.ts";
import { listCollection } from "./list-collection.ts";
import type { ProtobufListReader } from "./protobuf-list.ts";
import type { RawObject } from "./raw-object.ts";
import { type WatchEvent, watchEvents } from "./watch-events.ts";

export interface Collection {
  readonly resource: ApiResource;
  /** All namespaces unless given. */
  readonly namespace?: string;
  /** A single object. */
  readonly name?: string;
  /** As the API server reads it. */
  readonly labelSelector?: string;
}

export interface KeyedObject {
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
}

export type Replica = Map<ObjectKey, IngestedObject>;

export interface CollectionChanges {
  readonly upserts: readonly KeyedObject[];
  readonly deletes: readonly ObjectKey[];
  /** What is wrong with an object now; an empty list where it was put right or deleted. */
  readonly problems: readonly (readonly [ObjectKey, readonly Problem[]])[];
}

/** What all collections of a source share. */
export interface FollowContext {
  readonly client: ApiClient;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** How long a watch may bring nothing; 150 s unless given. */
  readonly silenceMs?: number;
}

export interface FollowOptions extends FollowContext {
  readonly signal: AbortSignal;
  /** Kept here; whoever writes to the server may put in what it has written. */
  readonly replica: Replica;
  readonly ingest: (raw: RawObject) => IngestedObject;
  /** Reads what `ingest` wants of a list in protobuf. Lists come in JSON unless it is given, and events always do. */
  readonly readProtobuf?: ProtobufListReader | undefined;
  readonly onChange: (changes: CollectionChanges) => void;
  /** All that there was is passed on, or the server doesn't know the kind; called once. */
  readonly onSynced: () => void;
}

const DEFAULT_SILENCE_MS = 150_000;
const backoff: Backoff = { firstMs: 500, maxMs: 15_000 };
/** A kind that isn't installed may be later. */
const UNKNOWN_KIND_RETRY_MS = 30_000;

/** Goes on until the signal aborts, then resolves; whatever goes wrong is logged and tried again. */
export async function followCollection(collection: Collection, options: FollowOptions): Promise<void> {
  const { signal, clock, random } = options;
  const follower = new Follower(collection, options);
  const retry = createApiRetry(backoff, random);
  while (!signal.aborted) {
    const outcome = await follower.advance();
    if (signal.aborted) return;
    if (outcome.kind === "failed") {
      await pause(clock, retry.delayAfterMs(outcome.error), signal);
      continue;
    }
    retry.succeeded();
    if (outcome.kind === "unknown") await pause(clock, UNKNOWN_KIND_RETRY_MS * (0.5 + random() / 2), signal);
  }
}

type Outcome =
  | { readonly kind: "progressed" }
  | { readonly kind: "unknown" }
  | { readonly kind: "failed"; readonly error: unknown };

class Follower {
  readonly #options: FollowOptions;
  readonly #collection: Collection;
  readonly #path: string;
  /** Where to go on watching; undefined when all must be listed. */
  #resourceVersion: string | undefined;
  #isSynced = false;
  #hasFailed = false;

  constructor(collection: Collection, options: FollowOptions) {
    this.#collection = collection;
    this.#options = options;
    const { resource, namespace } = collection;
    this.#path = resourcePath(resource, namespace === undefined ? {} : { namespace });
  }

  /** One list, or one watch until it ends. */
  async advance(): Promise<Outcome> {
    try {
      this.#resourceVersion ??= await this.#list();
      const versionBefore = this.#resourceVersion;
      const startedMs = this.#options.clock.now();
      const reason = await this.#watch(versionBefore);
      const hasBroughtEvents = this.#resourceVersion !== versionBefore;
      const lastedMs = this.#options.clock.now() - startedMs;
      // A server that ends each watch at once, without a word, would be asked in a tight loop.
      if (lastedMs < 1000 && !hasBroughtEvents) throw new Error(`the watch ended at once: ${reason}`);
      return { kind: "progressed" };
    } catch (error) {
      return this.#options.signal.aborted ? { kind: "progressed" } : this.#failed(error);
    }
  }

  async #list(): Promise<string> {
    const { replica, ingest, readProtobuf } = this.#options;
    const listed = new Map<ObjectKey, IngestedObject | undefined>();
    const resourceVersion = await listCollection({
      ...this.#request(),
      readProtobuf,
      onRestart: () => listed.clear(),
      onObject: (raw) => listed.set(this.#keyOf(raw), ingest(this.#named(raw))),
    });
    for (const key of replica.keys()) if (!listed.has(key)) listed.set(key, undefined);
    this.#take(listed);
    this.#synced();
    return resourceVersion;
  }

  async #watch(resourceVersion: string): Promise<string> {
    const { clock, random, silenceMs = DEFAULT_SILENCE_MS } = this.#options;
    const { query, ...request } = this.#request();
    // Spread, so that the watches of all replicas don't end in step; the API server's own are as long.
    const timeoutSeconds = String(Math.round(300 + 300 * random()));
    return await watchEvents({
      ...request,
      query: { ...query, resourceVersion, timeoutSeconds, allowWatchBookmarks: "true" },
      clock,
      silenceMs,
      onEvents: (events) => this.#takeEvents(events),
    });
  }

  #takeEvents(events: readonly WatchEvent[]): void {
    const latest = new Map<ObjectKey, IngestedObject | undefined>();
    for (const event of events) {
      if (event.type === "ERROR") {
        this.#take(latest);
        const { code = 500 } = event.object as { readonly code?: number };
        throw apiErrorOf(`Cannot watch ${this.#path}`, code, event.object);
      }
      if (event.type !== "BOOKMARK") {
        const isDeleted = event.type === "DELETED";
        const ingested = isDeleted ? undefined : this.#options.ingest(this.#named(event.object));
        latest.set(this.#keyOf(event.object), ingested);
      }
      this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
    }
    this.#take(latest);
    this.#recovered();
  }

  /** Undefined stands for an object that is gone. */
  #take(latest: ReadonlyMap<ObjectKey, IngestedObject | undefined>): void {
    const { replica, onChange } = this.#options;
    const upserts: KeyedObject[] = [];
    const deletes: ObjectKey[] = [];
    const problems: (readonly [ObjectKey, readonly Problem[]])[] = [];
    for (const [key, found] of latest) {
      const before = replica.get(key);
      const ingested = found && withLastGood(key, found, before);
      // Most changes of a Pod or a Node are to fields that nobody here reads.
      if (isDeepStrictEqual(before, ingested)) continue;
      if (ingested === undefined) replica.delete(key);
      else replica.set(key, ingested);
      const object = ingested?.object;
      if (object === undefined) {
        if (before?.object !== undefined) deletes.push(key);
      } else if (!isDeepStrictEqual(before?.object, object)) upserts.push({ key, object });
      if (!isDeepStrictEqual(before?.problems ?? NO_PROBLEMS, ingested?.problems ?? NO_PROBLEMS))
        problems.push([key, ingested?.problems ?? []]);
    }
    if (upserts.length + deletes.length + problems.length > 0) onChange({ upserts, deletes, problems });
  }

  #failed(error: unknown): Outcome {
    const { log } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    if (isGone(error)) {
      this.#resourceVersion = undefined;
      log.info({ path: this.#path, reason }, "listing anew");
      return { kind: "failed", error };
    }
    if (error instanceof ApiError && error.status === 404) return this.#unknownKind();
    const fields = { path: this.#path, reason };
    if (this.#hasFailed) log.debug(fields, "api server still fails");
    else log.warn(fields, "api server failed");
    this.#hasFailed = true;
    return { kind: "failed", error };
  }

  /** Its definition was never there, or was deleted, and all objects with it. */
  #unknownKind(): Outcome {
    this.#resourceVersion = undefined;
    this.#take(new Map([...this.#options.replica.keys()].map((key) => [key, undefined])));
    this.#synced();
    return { kind: "unknown" };
  }

  #recovered(): void {
    if (!this.#hasFailed) return;
    this.#hasFailed = false;
    this.#options.log.info({ path: this.#path }, "api server is back");
  }

  #synced(): void {
    this.#recovered();
    if (this.#isSynced) return;
    this.#isSynced = true;
    this.#options.onSynced();
  }

  #request() {
    const { client, signal } = this.#options;
    const { name, labelSelector } = this.#collection;
    const query: Record<string, string> = {
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    };
    return { client, signal, path: this.#path, query };
  }

  /** Items of a list carry neither kind nor apiVersion. */
  #named(raw: RawObject): RawObject {
    const { kind, apiVersion } = this.#collection.resource;
    return raw.kind === kind && raw.apiVersion === apiVersion ? raw : { ...raw, kind, apiVersion };
  }

  #keyOf({ metadata: { name, namespace = "" } }: RawObject): ObjectKey {
    return objectKey({ kind: this.#collection.resource.kind, namespace, name });
  }
}

const NO_PROBLEMS: readonly Problem[] = [];

/** The server no longer knows, or doesn't know yet (it was restored from a backup), the version that we go on from. */
function isGone(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 410 || error.causes.includes("ResourceVersionTooLarge");
}
