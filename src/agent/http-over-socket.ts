// One HTTP request over a unix socket or an open connection, with a deadline and a bound on the answer's size.

import type { IncomingMessage, RequestOptions } from "node:http";
import { request } from "node:http";
import type { Socket } from "node:net";

export interface SocketRequest {
  readonly via: { readonly socketPath: string } | { readonly connection: Socket };
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** What is beyond is cut off. Default 64 MB. */
  readonly maxBytes?: number;
}

export interface SocketResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Rejects when nobody answers, or not in time. */
export async function requestOverSocket(options: SocketRequest): Promise<SocketResponse> {
  const { maxBytes = 64 * 1024 * 1024 } = options;
  const response = await openOverSocket(options);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    // An app that breaks off has answered; one that is too slow hasn't.
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
  }
  const body = Buffer.concat(chunks).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** Resolves with the answer's head; its body is the caller's to read, within the same deadline, or to destroy. */
export function openOverSocket(options: SocketRequest): Promise<IncomingMessage> {
  const { via, method = "GET", path, headers = {}, timeoutMs } = options;
  // Connections to a pod's sockets are few and cheap, so none is pooled; with any agent, Node ignores createConnection.
  const transport: RequestOptions =
    "socketPath" in via
      ? { socketPath: via.socketPath, agent: false }
      : { createConnection: () => via.connection };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const outgoing = request({ ...transport, method, path, headers, signal }, resolve);
    outgoing.once("error", reject);
    outgoing.end();
  });
}
