// The machine's way to the metrics of pods, on a port of its loopback: a GET of a target's path gets that target's page, and
// there is nothing else to reach by it. It holds no page: each goes through as it comes.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { createServer, request as requestHttp } from "node:http";
import type { Server, Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { keepAccepting } from "../../core/listening.ts";
import type { Logger } from "../../core/logger.ts";
import { refusalOfForeignPage } from "../../core/own-pages.ts";
import { quoted } from "../../core/quoted.ts";
import type { ScrapedPage } from "./scrape-targets.ts";

export interface ScrapeRelay {
  close(): void;
}

export interface ScrapeRelayOptions {
  /** By a target's path. */
  readonly pageAt: (relayPath: string) => ScrapedPage | undefined;
  readonly log: Logger;
}

const MAX_CONNECTIONS = 256;
// Longer than a scrape may take by Prometheus's own defaults.
const TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;

/** `server` listens on the machine's loopback. */
export function relayScrapes(server: Server, { pageAt, log }: ScrapeRelayOptions): ScrapeRelay {
  const bounds = { requestTimeout: HEADERS_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS };
  const http = createServer(bounds, (request, response) => {
    relay(request, response, pageAt).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      log.debug({ url: quoted(request.url ?? ""), reason }, "page not relayed");
      if (response.headersSent) response.destroy();
      else refuse(response, 502, `Cannot get the page: ${reason}`);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const accept = (socket: Socket) => {
    http.emit("connection", socket);
    // It came paused.
    socket.resume();
  };
  server.on("connection", accept);
  keepAccepting(server, log);
  return {
    close() {
      server.off("connection", accept);
      server.close();
      http.closeAllConnections();
    },
  };
}

async function relay(
  request: IncomingMessage,
  response: ServerResponse,
  pageAt: ScrapeRelayOptions["pageAt"],
): Promise<void> {
  const foreign = refusalOfForeignPage(request.headers);
  if (foreign !== undefined) return refuse(response, 403, foreign);
  if (request.method !== "GET") return refuse(response, 405, "Only GET is answered");
  const [path = "/"] = (request.url ?? "/").split("?");
  const page = pageAt(path);
  if (page === undefined) return refuse(response, 404, `No pod is scraped at ${quoted(path)}`);
  const ended = new AbortController();
  response.once("close", () => ended.abort());
  const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const answer = await get(page, passed(request.headers, REQUEST_HEADERS), signal);
  // Not where a page says to look instead: the pod isn't to send whoever scrapes it somewhere else.
  response.writeHead(answer.statusCode ?? 502, passed(answer.headers, RESPONSE_HEADERS));
  await pipeline(answer, response, { signal });
}

function get(
  { host, port, path }: ScrapedPage,
  headers: OutgoingHttpHeaders,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = requestHttp({ host, port, path, headers, signal, agent: false }, resolve);
    outgoing.once("error", reject);
    outgoing.end();
  });
}

const REQUEST_HEADERS = ["accept", "accept-encoding", "user-agent", "x-prometheus-scrape-timeout-seconds"];
const RESPONSE_HEADERS = ["content-type", "content-encoding", "content-length"];

function passed(headers: IncomingMessage["headers"], names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
