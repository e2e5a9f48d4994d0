// One watch request, as the events it brings. It ends when the server ends it, when nothing comes for too long, or
// by the signal; going on from there is the caller's.

import type { IncomingMessage } from "node:http";
import type { Clock } from "../../core/clock.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import type { RawObject } from "./raw-object.ts";

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: RawObject }
  /** The object is a Status. */
  | { readonly type: "ERROR"; readonly object: unknown };

export interface WatchRequest {
  readonly client: ApiClient;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Bookmarks come each minute, so silence for longer than that means a dead connection. */
  readonly silenceMs: number;
  /** Events that came together, in order. */
  readonly onEvents: (events: readonly WatchEvent[]) => void;
}

/** Resolves with the reason when the answer ends; rejects with an ApiError for a refusal. */
export async function watchEvents(request: WatchRequest): Promise<string> {
  const { client, path, query, signal } = request;
  const response = await client.open({ path, query: { ...query, watch: "true" }, signal });
  return await new Promise((resolve, reject) => {
    const silence = createSilenceTimer(request, () => response.destroy(new Error("silence")));
    response.on("error", (error) => resolve(error.message));
    response.on("close", () => {
      silence.stop();
      resolve("closed");
    });
    readEvents(response, (events) => {
      silence.restart();
      try {
        request.onEvents(events);
      } catch (error) {
        reject(error);
        response.destroy();
      }
    });
  });
}

function createSilenceTimer({ clock, silenceMs }: WatchRequest, onSilence: () => void) {
  let cancel = clock.after(silenceMs, onSilence);
  return {
    restart() {
      cancel();
      cancel = clock.after(silenceMs, onSilence);
    },
    stop: () => cancel(),
  };
}

/** Lines of JSON; a large one may come in many chunks. A line cut off by the end of the connection is dropped. */
function readEvents(response: IncomingMessage, onEvents: (events: readonly WatchEvent[]) => void): void {
  let parts: string[] = [];
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    const [first = "", ...others] = chunk.split("\n");
    parts.push(first);
    const events: WatchEvent[] = [];
    for (const next of others) {
      const line = parts.join("");
      parts = [next];
      if (line !== "") events.push(JSON.parse(line) as WatchEvent);
    }
    if (events.length > 0) onEvents(events);
  });
}
