// What a store says to those who watch it over a socket: one JSON object a line.

import type { StoreBatch, StoredObject } from "./object-store.ts";

/** `list` is the whole content: the first message, and again where a watcher fell too far behind. */
export type StoreMessage =
  | { readonly type: "list"; readonly version: number; readonly entries: readonly StoredObject[] }
  | ({ readonly type: "batch" } & StoreBatch);

export function encodeMessage(message: StoreMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Undefined for a line that isn't a message. */
export function parseMessage(line: string): StoreMessage | undefined {
  try {
    const message = JSON.parse(line) as StoreMessage;
    return message.type === "list" || message.type === "batch" ? message : undefined;
  } catch {
    return undefined;
  }
}
