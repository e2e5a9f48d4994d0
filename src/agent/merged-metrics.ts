// One page of metrics for a pod: Envoy's, the agent's own and the app's, so that a scraper needs one address.

import type { AppDialer } from "./app-dialer.ts";
import { requestOverSocket } from "./http-over-socket.ts";

/** Where the app's own metrics are, as its `prometheus.io/*` annotations say. */
export interface AppScrape {
  readonly port: number;
  /** Default `/metrics`. */
  readonly path?: string;
}

export interface MetricsSources {
  readonly readEnvoyMetrics: () => Promise<string>;
  readonly agentMetrics: () => string;
  readonly app?: { readonly scrape: AppScrape; readonly dialer: AppDialer };
  readonly onFailure: (source: "envoy" | "app", reason: string) => void;
}

/** What can't be read is left out; the rest is still worth having. */
export async function mergeMetrics(sources: MetricsSources): Promise<string> {
  const { app } = sources;
  const attempt = async (source: "envoy" | "app", read: () => Promise<string>): Promise<string> => {
    try {
      return await read();
    } catch (error) {
      sources.onFailure(source, error instanceof Error ? error.message : String(error));
      return "";
    }
  };
  const [envoy, own] = await Promise.all([
    attempt("envoy", async () => restoreIstioNames(await sources.readEnvoyMetrics())),
    app === undefined ? "" : attempt("app", () => scrapeApp(app.scrape, app.dialer)),
  ]);
  return [envoy, sources.agentMetrics(), own]
    .filter((text) => text !== "")
    .map(endWithNewline)
    .join("");
}

/** Envoy puts `envoy_` before every name; Istio's metrics are known without it. */
export function restoreIstioNames(text: string): string {
  return text.replaceAll(/^(# (?:TYPE|HELP) )?envoy_istio_/gm, "$1istio_");
}

const SCRAPE_TIMEOUT_MS = 5_000;

async function scrapeApp({ port, path = "/metrics" }: AppScrape, dialer: AppDialer): Promise<string> {
  const connection = await dialer.dial(port, SCRAPE_TIMEOUT_MS);
  // Only the plain text format can be put together; OpenMetrics ends with a mark of its own.
  const headers = { host: `localhost:${port}`, accept: "text/plain;version=0.0.4" };
  try {
    const request = { via: { connection }, path, headers, timeoutMs: SCRAPE_TIMEOUT_MS };
    const { status, body } = await requestOverSocket(request);
    if (status !== 200) throw new Error(`HTTP ${status}`);
    return body;
  } finally {
    connection.destroy();
  }
}

function endWithNewline(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
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
