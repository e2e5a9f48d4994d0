// Waits for an API server to answer: polls with a deadline, and gives up at once when a component has ended.

import { request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";

const PAUSE_MS = 100;
const REQUEST_LIMIT_MS = 5_000;

export interface Waiting {
  readonly limitMs: number;
  /** Any of these that rejects ends the waiting with its error. */
  readonly failures?: readonly Promise<never>[];
}

/** `ask` answers undefined for "yes", otherwise why not. */
export async function untilAnswered(
  ask: () => Promise<string | undefined>,
  { limitMs, failures = [] }: Waiting,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const refusal = await Promise.race([ask(), ...failures]);
    if (refusal === undefined) return;
    if (performance.now() > deadlineMs) throw new Error(`Not ready after ${limitMs / 1000} s: ${refusal}`);
    await delay(PAUSE_MS);
  }
}

export interface ApiRequest {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  readonly path: string;
}

/** Undefined if the API server answers GET with 200, else what it said. */
export function getFromApi({ url, caPem, token, path }: ApiRequest): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = request(
      new URL(path, url),
      { ca: caPem, headers: { authorization: `Bearer ${token}` }, timeout: REQUEST_LIMIT_MS, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("end", () =>
          resolve(response.statusCode === 200 ? undefined : `${path}: ${response.statusCode} ${body}`),
        );
      },
    );
    call.on("timeout", () => call.destroy(new Error("timeout")));
    call.on("error", (error) => resolve(`${path}: ${error.message}`));
    call.end();
  });
}
