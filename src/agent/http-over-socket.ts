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
export function requestOverSocket(options: SocketRequest): Promise<SocketResponse> {
  const { via, method = "GET", path, headers = {}, timeoutMs, maxBytes = 64 * 1024 * 1024 } = options;
  // Connections to a pod's sockets are few and cheap, so none is pooled; with any agent, Node ignores createConnection.
  const transport: RequestOptions =
    "socketPath" in via
      ? { socketPath: via.socketPath, agent: false }
      : { createConnection: () => via.connection };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const outgoing = request({ ...transport, method, path, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      };
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= maxBytes) chunks.push(chunk);
        else response.destroy();
      });
      response.once("end", finish);
      response.once("close", finish);
      response.once("error", reject);
    });
    outgoing.once("error", reject);
    outgoing.end();
  });
}
