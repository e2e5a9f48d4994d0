// What couldn't be merged into a page of metrics: counted under Istio's name, and logged once, not at every scrape.

export type ScrapedSource = "envoy" | "application";

export class ScrapeFailures {
  readonly #warn: (facts: { readonly source: string; readonly reason: string }) => void;
  readonly #counts = { envoy: 0, application: 0 };
  readonly #lastReasons = new Map<string, string>();

  constructor(warn: (facts: { readonly source: string; readonly reason: string }) => void) {
    this.#warn = warn;
  }

  /** `place` tells sources of a kind apart, such as a port. */
  note(source: ScrapedSource, { place = "", reason }: { place?: string; reason: string }): void {
    this.#counts[source] += 1;
    const key = place === "" ? source : `${source} ${place}`;
    if (this.#lastReasons.get(key) === reason) return;
    this.#lastReasons.set(key, reason);
    this.#warn({ source: key, reason });
  }

  /** Prometheus's text. */
  text(): string {
    const lines = Object.entries(this.#counts).map(
      ([type, count]) => `istio_agent_scrape_failures_total{type="${type}"} ${count}\n`,
    );
    return `# TYPE istio_agent_scrape_failures_total counter\n${lines.join("")}`;
  }
}
