// A tap as an HTTP answer without an end: a TapEvent or TapLoss a line, as JSON. Empty lines between tell the reader that
// the tap lives, and us that the reader does.

import type { ServerResponse } from "node:http";
import type { Clock } from "../../core/clock.ts";
import { parseTapSearch } from "../../core/tap-event.ts";
import { MAX_TAPS, type TapHub } from "./tap-hub.ts";

export interface TapServing {
  readonly taps: Pick<TapHub, "open">;
  readonly clock: Clock;
}

const SIGN_OF_LIFE_MS = 10_000;
/** For each tap, 32 MB for as many as there may be. Envoy writes some 64 kB at once, which a reader must get whole. */
const MAX_PENDING_BYTES = 262_144;

/** Ends with its reader, who may vanish. */
export function serveTap(
  response: ServerResponse,
  search: URLSearchParams,
  { taps, clock }: TapServing,
): void {
  const query = parseTapSearch(search);
  if (typeof query === "string") {
    refuse(response, 400, `Cannot tap: ${query}`);
    return;
  }
  const take = (text: string) => {
    response.write(`${text}\n`);
    return response.writableLength < MAX_PENDING_BYTES;
  };
  const tap = taps.open(query, { take });
  if (tap === undefined) {
    refuse(response, 429, `Cannot tap: ${MAX_TAPS} do so already`);
    return;
  }
  let cancel: () => void = () => undefined;
  const live = () => {
    cancel = clock.after(SIGN_OF_LIFE_MS, () => {
      if (!response.writableNeedDrain) response.write("\n");
      live();
    });
  };
  live();
  response.on("drain", () => tap.resume());
  response.on("close", () => {
    cancel();
    tap.close();
  });
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.flushHeaders();
}

function refuse(response: ServerResponse, status: 400 | 429, error: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }));
}
