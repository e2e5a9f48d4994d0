// Serves a store's list and watch over a unix socket. It takes no writes.

import { rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import { startListening } from "../../core/listening.ts";
import type { Logger } from "../../core/logger.ts";
import type { ObjectStore, StoreBatch } from "./object-store.ts";
import { encodeMessage } from "./store-message.ts";

export interface ServeStoreOptions {
  /** A socket that is left over there is replaced. */
  readonly socketPath: string;
  readonly log: Logger;
}

export interface StoreServer {
  /** Ends all watches and removes the socket. */
  close(): Promise<void>;
}

/** `GET /watch` answers with the list and then every batch, as lines of JSON, until either side ends. */
export async function serveStore(
  store: ObjectStore,
  { socketPath, log }: ServeStoreOptions,
): Promise<StoreServer> {
  await rm(socketPath, { force: true });
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url !== "/watch") {
      response.writeHead(404).end();
      return;
    }
    log.debug({ socketPath }, "store watch began");
    streamStore(store, response);
  });
  await startListening(server, { path: socketPath }, log);
  return {
    async close() {
      const closed = new Promise<void>((done) => {
        server.close(() => done());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

// A watcher that reads slowly holds no queue: while its socket is full nothing is written, and when it has
// drained it gets the batches that it missed, or the whole list if the history has moved past them.
function streamStore(store: ObjectStore, response: ServerResponse) {
  let sent = -1;
  let isFull = false;
  const write = (text: string, version: number) => {
    sent = version;
    isFull = !response.write(text);
  };
  const writeList = () => {
    const list = store.list();
    write(encodeMessage({ type: "list", ...list }), list.version);
  };
  const writeBatch = (batch: StoreBatch) => {
    if (!isFull && batch.version > sent) write(encodeMessage({ type: "batch", ...batch }), batch.version);
  };
  const catchUp = () => {
    isFull = false;
    const missed = store.since(sent);
    if (missed === undefined) writeList();
    else for (const batch of missed) writeBatch(batch);
  };
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  writeList();
  const watch = store.watch(sent, writeBatch);
  response.on("drain", catchUp);
  response.on("close", () => {
    if (watch.state === "watching") watch.stop();
  });
}
