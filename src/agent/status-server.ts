// The agent's HTTP server on a unix socket, behind Envoy's ports 15020 and 15021: readiness, rewritten probes,
// merged metrics, and the request to quit.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../core/clock.ts";
import { PEER_HEADER } from "./peer-header.ts";
import type { ProbeOutcome } from "./probe-app.ts";
import { PROXY_METRICS_PATH } from "./proxy-metrics-path.ts";
import type { ScrapeRequest } from "./scrape/app-page.ts";
import type { MetricsPage } from "./scrape/merged-metrics.ts";
import { serveTap } from "./tap/serve-tap.ts";
import type { TapHub } from "./tap/tap-hub.ts";

export interface StatusAnswers {
  readonly isReady: () => Promise<boolean>;
  /** Undefined for a path that no probe was rewritten to. */
  readonly probe: (path: string) => Promise<ProbeOutcome> | undefined;
  /** Of the whole pod, or without the app's own. */
  readonly metrics: (of: "pod" | "proxy", request: ScrapeRequest) => Promise<MetricsPage>;
  /** Called at most once per request; the answer goes out before. */
  readonly quit: () => void;
  /** Starts to send clients away; the answer doesn't wait until they are gone. */
  readonly drain: () => Promise<void>;
  readonly taps: Pick<TapHub, "open">;
  readonly clock: Clock;
  /** Somebody outside of the pod gave an order, or wanted to tap. */
  readonly refused: (order: { readonly path: string; readonly peer: string }) => void;
}

/** Not listening yet: the caller knows path, mode and owner of the socket. */
export function createStatusServer(answers: StatusAnswers): Server {
  return createServer((request, response) => {
    answer(request, response, answers).catch((error: unknown) => {
      respond(response, 500, error instanceof Error ? error.message : String(error));
    });
  });
}

const metricsPages: Readonly<Record<string, "pod" | "proxy">> = {
  "/stats/prometheus": "pod",
  "/metrics": "pod",
  [PROXY_METRICS_PATH]: "proxy",
};

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  answers: StatusAnswers,
): Promise<void> {
  const [path = "/", search = ""] = (request.url ?? "/").split("?");
  if (path === "/healthz/ready") return respondReadiness(response, answers);
  const metricsOf = metricsPages[path];
  if (metricsOf !== undefined) {
    const { contentType, chunks } = await answers.metrics(metricsOf, scrapeRequestOf(request));
    response.setHeader("content-type", contentType);
    return pipeline(Readable.from(chunks, { objectMode: false }), response);
  }
  if (path === "/quitquitquit" || path === "/drain") return respondOrder(path, request, response, answers);
  if (path === "/tap") {
    if (refusesOutsider(path, request, response, answers)) return;
    return serveTap(response, new URLSearchParams(search), answers);
  }
  const outcome = answers.probe(path);
  if (outcome === undefined) return respond(response, 404, "no such page\n");
  const { isSuccess, message, httpStatus } = await outcome;
  // The app's own status is passed on, as far as it can't turn failure into success.
  return respond(response, httpStatus ?? (isSuccess ? 200 : 500), `${message}\n`);
}

function scrapeRequestOf({ headers }: IncomingMessage): ScrapeRequest {
  const timeoutSeconds = headers["x-prometheus-scrape-timeout-seconds"];
  return {
    accept: headers.accept,
    userAgent: headers["user-agent"],
    timeoutSeconds: timeoutSeconds?.toString(),
  };
}

async function respondReadiness(response: ServerResponse, answers: StatusAnswers): Promise<void> {
  const isReady = await answers.isReady();
  respond(response, isReady ? 200 : 503, isReady ? "ready\n" : "envoy isn't ready\n");
}

// Anyone may scrape; only the pod's own processes, such as a Job's container that is done, may end or drain the proxy.
async function respondOrder(
  path: "/quitquitquit" | "/drain",
  request: IncomingMessage,
  response: ServerResponse,
  answers: StatusAnswers,
): Promise<void> {
  const { quit, drain } = answers;
  if (refusesOutsider(path, request, response, answers)) return;
  if (request.method !== "POST") return respond(response, 405, "only POST\n");
  if (path === "/quitquitquit") response.once("finish", quit);
  else await drain();
  respond(response, 200, "");
}

/** A port-forward of the API server's comes from the pod's own loopback. */
function refusesOutsider(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { refused }: StatusAnswers,
): boolean {
  const peer = request.headers[PEER_HEADER];
  if (peer === undefined || peer === "127.0.0.1" || peer === "::1") return false;
  refused({ path, peer: String(peer) });
  respond(response, 403, "only from within the pod\n");
  return true;
}

function respond(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status).end(text);
}
