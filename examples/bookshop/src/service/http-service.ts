// An HTTP service as every app of the shop is one: routes, `/healthz` for probes, and an end that loses no request.
// On SIGTERM it goes on serving for a moment while its address leaves the others' lists, then ends what it has begun.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { listenPort, podName, serviceVersion } from "./environment.ts";
import type { ForwardedHeaders } from "./forwarded-headers.ts";
import { forwardedHeaders } from "./forwarded-headers.ts";
import { onTermination } from "./termination.ts";

export interface Request {
  readonly message: IncomingMessage;
  readonly url: URL;
  /** What the `:name` parts of the route matched. */
  readonly params: Readonly<Record<string, string>>;
  readonly forwarded: ForwardedHeaders;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  /** Writes the body piece by piece, for answers that go on. */
  readonly stream?: (response: ServerResponse) => void;
}

export interface Route {
  readonly method: string;
  /** Such as `/books/:id`. */
  readonly path: string;
  readonly answer: (request: Request) => Answer | Promise<Answer>;
}

export interface HttpServiceOptions {
  readonly name: string;
  readonly defaultPort: number;
  readonly routes: readonly Route[];
  /** Takes over connections that ask for another protocol. */
  readonly upgrade?: (message: IncomingMessage, socket: Duplex) => void;
  /** Ends what the service holds open, when it is told to end. */
  readonly release?: () => void;
}

// Longer than the hour for which Envoy keeps an idle connection, so that it is never this side that closes
// one under a request.
const KEEP_ALIVE_MS = 2 * 3_600_000;
const MAX_BODY_BYTES = 64 * 1024;

export function startHttpService(options: HttpServiceOptions): Server {
  const state = { isEnding: false };
  const server = createServer((message, response) => {
    void respond(options, message, response, () => state.isEnding);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const { upgrade } = options;
  if (upgrade !== undefined)
    server.on("upgrade", (message: IncomingMessage, socket) => upgrade(message, socket));
  server.listen(listenPort(options.defaultPort), () => {
    console.log(`${options.name} listening on ${(server.address() as AddressInfo).port}`);
  });
  onTermination(options.name, {
    begin: () => {
      state.isEnding = true;
    },
    end: (done) => {
      options.release?.();
      server.close(done);
    },
  });
  return server;
}

export function json(value: unknown, status = 200): Answer {
  return { status, headers: { "content-type": "application/json" }, body: `${JSON.stringify(value)}\n` };
}

/** The body as text; rejects when it is larger than 64 KiB. */
export async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > MAX_BODY_BYTES) throw new Error("Cannot read the body: it is larger than 64 KiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function respond(
  options: HttpServiceOptions,
  message: IncomingMessage,
  response: ServerResponse,
  isEnding: () => boolean,
): Promise<void> {
  try {
    const { status, headers = {}, body, stream } = await answer(options.routes, message);
    if (isEnding()) response.setHeader("connection", "close");
    response.writeHead(status, { "x-served-by": podName(), "x-version": serviceVersion(), ...headers });
    if (stream === undefined) response.end(body);
    else stream(response);
  } catch (error) {
    console.error(`${options.name} ${message.method} ${message.url}: ${describe(error)}`);
    if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
    response.end("Something went wrong here.\n");
  }
}

async function answer(routes: readonly Route[], message: IncomingMessage): Promise<Answer> {
  const url = new URL(message.url ?? "/", "http://service");
  if (url.pathname === "/healthz") return { status: 200, body: "ok\n" };
  const method = message.method === "HEAD" ? "GET" : message.method;
  for (const route of routes) {
    const params = route.method === method ? matchPath(route.path, url.pathname) : undefined;
    if (params === undefined) continue;
    return route.answer({ message, url, params, forwarded: forwardedHeaders(message.headers) });
  }
  return { status: 404, headers: { "content-type": "text/plain" }, body: "There is nothing here.\n" };
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split("/");
  const actual = path.split("/");
  if (expected.length !== actual.length) return undefined;
  const params: Record<string, string> = {};
  for (const [position, part] of expected.entries()) {
    const found = actual[position] ?? "";
    if (part.startsWith(":") && found !== "") params[part.slice(1)] = found;
    else if (part !== found) return undefined;
  }
  return params;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
