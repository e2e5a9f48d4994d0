// Follows a store in another process. The connection may break at any time: after it the whole list comes again,
// and only what differs from what is known is passed on, so nothing is missed and nothing repeated.

import type { IncomingMessage } from "node:http";
import { get } from "node:http";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import { pause } from "../../core/pause.ts";
import { type MovedObject, movedPositions, moveOf } from "../../core/positions.ts";
import type { StoreBatch, StoredObject } from "./object-store.ts";
import { parseMessage } from "./store-message.ts";

export interface WatchRemoteStoreOptions {
  readonly socketPath: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** From 0 to 1, for the jitter of reconnects. */
  readonly random: () => number;
  /** The first list; called once. */
  readonly onSync: (entries: readonly StoredObject[]) => void;
  /** Every change after it, also what changed while the connection was down. */
  readonly onEvents: (batch: StoreBatch) => void;
}

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2000;

/** Connects, and connects again, until the signal aborts; then it resolves. */
export async function watchRemoteStore(options: WatchRemoteStoreOptions): Promise<void> {
  const { signal, clock, log, socketPath, random } = options;
  const replica = new Replica(options);
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const fault = await follow(socketPath, signal, (line) => {
      retryMs = FIRST_RETRY_MS;
      return replica.take(line);
    });
    if (signal.aborted) return;
    log.debug({ socketPath, fault, retryMs }, "store connection ended");
    await pause(clock, retryMs * (0.5 + random() / 2), signal);
    retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
  }
}

/** What is known of the remote store. */
class Replica {
  readonly #options: Pick<WatchRemoteStoreOptions, "onSync" | "onEvents">;
  #entries: Map<ObjectKey, StoredObject> | undefined;

  constructor(options: Pick<WatchRemoteStoreOptions, "onSync" | "onEvents">) {
    this.#options = options;
  }

  /** False for a line that isn't a message. */
  take(line: string): boolean {
    const message = parseMessage(line);
    if (message === undefined) return false;
    if (message.type === "batch") this.#takeBatch(message);
    else this.#takeList(message.entries, message.version);
    return true;
  }

  #takeBatch({ version, upserts, moves, deletes }: StoreBatch) {
    for (const entry of upserts) this.#entries?.set(entry.key, entry);
    for (const move of moves) {
      const entry = this.#entries?.get(move.key);
      if (entry?.positions === undefined) continue;
      this.#entries?.set(move.key, { ...entry, version, positions: movedPositions(entry.positions, move) });
    }
    for (const key of deletes) this.#entries?.delete(key);
    this.#options.onEvents({ version, upserts, moves, deletes });
  }

  #takeList(entries: readonly StoredObject[], version: number) {
    const before = this.#entries;
    this.#entries = new Map(entries.map((entry) => [entry.key, entry]));
    if (before === undefined) {
      this.#options.onSync(entries);
      return;
    }
    // Versions count anew when the other process restarted, so contents are compared.
    const upserts: StoredObject[] = [];
    const moves: MovedObject[] = [];
    for (const entry of entries) {
      const known = before.get(entry.key);
      if (known === undefined || !saysTheSame(known, entry)) upserts.push(entry);
      else if (entry.positions !== undefined && !isDeepStrictEqual(known.positions, entry.positions))
        moves.push(moveOf(entry.key, entry.positions));
    }
    const deletes = [...before.keys()].filter((key) => !this.#entries?.has(key));
    if (upserts.length + moves.length + deletes.length === 0) return;
    this.#options.onEvents({ version, upserts, moves, deletes });
  }
}

/** And its fields are as they were to one another. */
function saysTheSame(one: StoredObject, other: StoredObject): boolean {
  return (
    isDeepStrictEqual(one.object, other.object) &&
    isDeepStrictEqual(one.positions?.root, other.positions?.root)
  );
}

/** Resolves with the reason when the connection has ended. */
function follow(socketPath: string, signal: AbortSignal, onLine: (line: string) => boolean): Promise<string> {
  return new Promise((ended) => {
    const request = get({ socketPath, path: "/watch", signal, agent: false });
    request.on("error", (cause) => ended(cause.message));
    request.on("response", (response) => {
      response.on("error", (cause) => ended(cause.message));
      response.on("close", () => ended("closed"));
      if (response.statusCode !== 200) response.destroy();
      else readLines(response, onLine);
    });
  });
}

function readLines(response: IncomingMessage, onLine: (line: string) => boolean) {
  let parts: string[] = [];
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    const [first = "", ...others] = chunk.split("\n");
    parts.push(first);
    for (const next of others) {
      const line = parts.join("");
      parts = [next];
      if (!onLine(line)) response.destroy();
    }
  });
}
