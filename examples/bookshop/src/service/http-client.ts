// Calls to other services over kept connections, with a deadline, and without retries: those are the mesh's work.

import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:http";
import type { ForwardedHeaders } from "./forwarded-headers.ts";

export interface Call {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: ForwardedHeaders;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;

export type HttpClient = (call: Call) => Promise<Reply>;

/** Rejects where no answer came: refused, reset, or too late. Any status is an answer. */
export function createHttpClient(): HttpClient {
  const agent = new Agent({ keepAlive: true });
  return (call) =>
    new Promise((resolve, reject) => {
      const body = call.body === undefined ? undefined : JSON.stringify(call.body);
      const outgoing = request(`http://${call.address}${call.path}`, {
        agent,
        method: call.method ?? "GET",
        headers: { ...call.headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        signal: AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS),
      });
      outgoing.on("error", reject);
      outgoing.on("response", (response) => {
        readText(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
          reject,
        );
      });
      outgoing.end(body);
    });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
