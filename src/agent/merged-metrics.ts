// One page of metrics for a pod: Envoy's, the agent's own and the app's, so that a scraper needs one address.

import type { AppDialer } from "./app-dialer.ts";
import { openOverSocket } from "./http-over-socket.ts";

/** Where the app's own metrics are, as its `prometheus.io/*` annotations say. */
export interface AppScrape {
  readonly port: number;
  /** Default `/metrics`. */
  readonly path?: string;
}

export interface MetricsSources {
  readonly readEnvoyMetrics: () => AsyncIterable<Buffer>;
  /** Istio's standard metrics. */
  readonly requestMetrics: () => Iterable<string>;
  readonly agentMetrics: () => string;
  readonly app?: { readonly scrape: AppScrape; readonly dialer: AppDialer };
  readonly onFailure: (source: "envoy" | "app", reason: string) => void;
}

/**
 * In whole lines, passed on as they come: a page can be of many megabytes, and an agent is to stay small. What can't be
 * read is left out; the rest is still worth having.
 */
export async function* mergeMetrics(sources: MetricsSources): AsyncGenerator<Buffer> {
  const { app } = sources;
  yield* attempt(restoreIstioNames(wholeLines(sources.readEnvoyMetrics())), (reason) =>
    sources.onFailure("envoy", reason),
  );
  for (const text of sources.requestMetrics()) yield Buffer.from(text);
  yield Buffer.from(sources.agentMetrics());
  if (app === undefined) return;
  yield* attempt(wholeLines(scrapeApp(app.scrape, app.dialer)), (reason) => sources.onFailure("app", reason));
}

async function* attempt(
  lines: AsyncIterable<Buffer>,
  onFailure: (reason: string) => void,
): AsyncGenerator<Buffer> {
  try {
    yield* lines;
  } catch (error) {
    onFailure(error instanceof Error ? error.message : String(error));
  }
}

// Nothing that means to be read has longer lines.
const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** Each chunk ends with a line's end, the last one's made up where it is missing. A source that fails ends with its last whole line. */
export async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = text.lastIndexOf(NEWLINE) + 1;
    if (end > 0) yield text.subarray(0, end);
    rest = text.subarray(end);
    if (rest.length > MAX_LINE_BYTES) throw new Error(`a line is longer than ${MAX_LINE_BYTES} bytes`);
  }
  if (rest.length > 0) yield Buffer.concat([rest, Buffer.from("\n")]);
}

const FOREIGN = "envoy_";
const beforeNames = ["", "# TYPE ", "# HELP "].map((text) => Buffer.from(`\n${text}`));

/** Envoy puts `envoy_` before every name; Istio's metrics are known without it. Takes and gives whole lines. */
export async function* restoreIstioNames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const lines of chunks) {
    const kept: Buffer[] = [];
    let start = 0;
    for (
      let at = lines.indexOf(`${FOREIGN}istio_`);
      at >= 0;
      at = lines.indexOf(`${FOREIGN}istio_`, at + 1)
    ) {
      if (!isName(lines, at)) continue;
      kept.push(lines.subarray(start, at));
      start = at + FOREIGN.length;
    }
    yield kept.length === 0 ? lines : Buffer.concat([...kept, lines.subarray(start)]);
  }
}

/** Not a label's value: at the start of a line, or after the words of a comment. */
function isName(lines: Buffer, at: number): boolean {
  return beforeNames.some((before) => {
    const from = at - before.length;
    // The chunk's own start is a line's start.
    return from === -1
      ? lines.subarray(0, at).equals(before.subarray(1))
      : from >= 0 && lines.subarray(from, at).equals(before);
  });
}

const SCRAPE_TIMEOUT_MS = 5_000;

async function* scrapeApp({ port, path = "/metrics" }: AppScrape, dialer: AppDialer): AsyncGenerator<Buffer> {
  const connection = await dialer.dial(port, SCRAPE_TIMEOUT_MS);
  // Only the plain text format can be put together; OpenMetrics ends with a mark of its own.
  const headers = { host: `localhost:${port}`, accept: "text/plain;version=0.0.4" };
  try {
    const answer = await openOverSocket({
      via: { connection },
      path,
      headers,
      timeoutMs: SCRAPE_TIMEOUT_MS,
    });
    if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}`);
    yield* answer as AsyncIterable<Buffer>;
  } finally {
    connection.destroy();
  }
}

/** Reads ISTIO_PROMETHEUS_ANNOTATIONS, which quotes annotations; undefined where they ask for nothing. */
export function parseAppScrape(text: string): AppScrape | undefined {
  const value: unknown = JSON.parse(text === "" ? "{}" : text);
  if (typeof value !== "object" || value === null) return undefined;
  const { scrape, port, path } = value as Partial<Record<"scrape" | "port" | "path", string>>;
  const isAsked = scrape === "true" || (scrape !== "false" && port !== undefined && port !== "");
  if (!isAsked) return undefined;
  // Prometheus's convention where no port is named.
  return { port: Number(port === undefined || port === "" ? 80 : port), ...(path && { path }) };
}
