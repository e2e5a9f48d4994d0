// One page of metrics for a pod: Envoy's, the agent's own and the app's, so that a scraper needs one address.

import type { AppDialer } from "../app-dialer.ts";
import { type AppPage, type OpenedPage, openAppPage, type ScrapeRequest } from "./app-page.ts";
import { contentTypeOf, type ExpositionFormat, mergedFormat } from "./exposition-format.ts";
import { createPageLines, noteDescriptions, openMetricsOf } from "./page-lines.ts";
import type { ScrapeFailures } from "./scrape-failures.ts";

export interface MetricsSources {
  readonly readEnvoyMetrics: () => AsyncIterable<Buffer>;
  /** Istio's standard metrics. */
  readonly requestMetrics: () => Iterable<string>;
  readonly agentMetrics: () => string;
  readonly app?: { readonly pages: readonly AppPage[]; readonly dialer: AppDialer };
  readonly failures: Pick<ScrapeFailures, "note">;
}

export interface MetricsPage {
  readonly contentType: string;
  readonly chunks: AsyncIterable<Buffer>;
}

/**
 * In whole lines, passed on as they come: a page can be of many megabytes, and an agent is to stay small. What can't be
 * read is left out; the rest is still worth having. Resolves once each page of the app's has begun, or has failed to.
 */
export async function mergeMetrics(sources: MetricsSources, request: ScrapeRequest): Promise<MetricsPage> {
  const apps = await openApps(sources, request);
  const format = mergedFormat(
    request.accept,
    apps.map(({ page }) => page.format),
  );
  return { contentType: contentTypeOf(format, request.accept), chunks: merged(sources, apps, format) };
}

interface OpenedApp {
  readonly place: string;
  readonly page: OpenedPage;
}

async function openApps({ app, failures }: MetricsSources, request: ScrapeRequest): Promise<OpenedApp[]> {
  if (app === undefined) return [];
  const opened = app.pages.map(async (page): Promise<OpenedApp[]> => {
    const place = `${page.port}`;
    try {
      return [{ place, page: await openAppPage(page, app.dialer, request) }];
    } catch (error) {
      failures.note("application", { place, reason: reasonOf(error) });
      return [];
    }
  });
  return (await Promise.all(opened)).flat();
}

async function* merged(
  sources: MetricsSources,
  apps: readonly OpenedApp[],
  format: ExpositionFormat,
): AsyncGenerator<Buffer> {
  const described = new Set<string>();
  try {
    for await (const lines of ownLines(sources)) {
      const own = format === "openmetrics" ? openMetricsOf(lines) : lines;
      if (apps.length > 0) noteDescriptions(own, described);
      yield own;
    }
    for (const app of apps) yield* appLines(app, { format, described, failures: sources.failures });
    if (format === "openmetrics") yield Buffer.from("# EOF\n");
  } finally {
    for (const { page } of apps) page.close();
  }
}

async function* ownLines(sources: MetricsSources): AsyncGenerator<Buffer> {
  const { readEnvoyMetrics, requestMetrics, agentMetrics, failures } = sources;
  yield* attempt(restoreIstioNames(wholeLines(readEnvoyMetrics())), (reason) =>
    failures.note("envoy", { reason }),
  );
  for (const text of requestMetrics()) yield Buffer.from(text);
  yield Buffer.from(agentMetrics());
}

async function* appLines(
  { place, page }: OpenedApp,
  options: {
    readonly format: ExpositionFormat;
    readonly described: Set<string>;
    readonly failures: Pick<ScrapeFailures, "note">;
  },
): AsyncGenerator<Buffer> {
  const { format, described, failures } = options;
  const note = (reason: string) => failures.note("application", { place, reason });
  const take = createPageLines({
    ...{ from: page.format, to: format, described },
    onUnreadable: (line) => note(`it has a line that isn't Prometheus's text: ${JSON.stringify(line)}`),
  });
  for await (const lines of attempt(wholeLines(page.chunks), note)) yield Buffer.from(take(lines));
}

async function* attempt(
  lines: AsyncIterable<Buffer>,
  onFailure: (reason: string) => void,
): AsyncGenerator<Buffer> {
  try {
    yield* lines;
  } catch (error) {
    onFailure(reasonOf(error));
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
