// A page of the app's own metrics: where its annotations say that it is, and what it says when it is asked.

import type { IncomingMessage } from "node:http";
import type { AppDialer } from "../app-dialer.ts";
import { openOverSocket } from "../http-over-socket.ts";
import { acceptForApp, type ExpositionFormat, formatOf } from "./exposition-format.ts";

/** Where it is, as `prometheus.io/*` or `prometheus.istio.io/scrape-targets` say. */
export interface AppPage {
  readonly port: number;
  /** Default `/metrics`. */
  readonly path?: string;
}

/** What a scraper says of itself and what it wants. */
export interface ScrapeRequest {
  readonly accept?: string | undefined;
  readonly userAgent?: string | undefined;
  /** How long it waits, in seconds, as Prometheus tells it. */
  readonly timeoutSeconds?: string | undefined;
}

export interface OpenedPage {
  readonly format: ExpositionFormat;
  /** Of at most `MAX_BYTES`; ends in an error where there are more, or they don't come in time. */
  readonly chunks: AsyncIterable<Buffer>;
  close(): void;
}

const MAX_TIMEOUT_MS = 5_000;
const MAX_BYTES = 10 * 1024 * 1024;

/** Resolves with its head read; rejects where it can't be had in time, or can't be merged. */
export async function openAppPage(
  { port, path = "/metrics" }: AppPage,
  dialer: AppDialer,
  request: ScrapeRequest,
): Promise<OpenedPage> {
  if (!(port >= 1 && port <= 65_535)) throw new Error("prometheus.io/port isn't the number of a port");
  const timeoutMs = timeoutOf(request);
  const connection = await dialer.dial(port, timeoutMs);
  try {
    const answer = await openOverSocket({
      via: { connection },
      path: path.startsWith("/") ? path : `/${path}`,
      headers: headersOf(port, request),
      timeoutMs,
    });
    const { format } = checkHead(answer);
    return { format, chunks: bounded(answer), close: () => connection.destroy() };
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Time is left to send what there is. */
function timeoutOf({ timeoutSeconds }: ScrapeRequest): number {
  const waitsMs = Number(timeoutSeconds) * 750;
  return waitsMs > 0 ? Math.min(waitsMs, MAX_TIMEOUT_MS) : MAX_TIMEOUT_MS;
}

function headersOf(port: number, { accept, userAgent, timeoutSeconds }: ScrapeRequest) {
  return {
    host: `localhost:${port}`,
    accept: acceptForApp(accept),
    ...(userAgent !== undefined && { "user-agent": userAgent }),
    ...(timeoutSeconds !== undefined && { "x-prometheus-scrape-timeout-seconds": timeoutSeconds }),
  };
}

function checkHead({ statusCode, headers }: IncomingMessage): { readonly format: ExpositionFormat } {
  if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`);
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw new Error(`its content-encoding is ${encoding.slice(0, 40)}`);
  const format = formatOf(headers["content-type"]);
  if (format === undefined)
    throw new Error(`a content-type of ${headers["content-type"]?.slice(0, 80)} can't be merged`);
  return { format };
}

async function* bounded(answer: IncomingMessage): AsyncGenerator<Buffer> {
  let byteCount = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    yield chunk;
  }
}

interface ScrapeAnnotations {
  readonly scrape: string;
  readonly port: string;
  readonly path: string;
  readonly targets: readonly { readonly port: string; readonly path?: string }[];
}

/** Reads ISTIO_PROMETHEUS_ANNOTATIONS, which quotes annotations; empty where they ask for nothing. */
export function parseAppPages(text: string): readonly AppPage[] {
  const value: unknown = JSON.parse(text === "" ? "{}" : text);
  if (typeof value !== "object" || value === null) return [];
  const { scrape, port, path, targets = [] } = value as Partial<ScrapeAnnotations>;
  if (scrape === "false") return [];
  if (targets.length > 0) return targets.map((target) => pageOf(target.port, target.path));
  const isAsked = scrape === "true" || (port !== undefined && port !== "");
  return isAsked ? [pageOf(port, path)] : [];
}

/** Prometheus's convention where no port is named. */
function pageOf(port: string | undefined, path: string | undefined): AppPage {
  return { port: Number(port === undefined || port === "" ? 80 : port), ...(path && { path }) };
}
