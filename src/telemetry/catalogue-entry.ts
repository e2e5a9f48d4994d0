// What is known of a metric before anybody scrapes it.

export interface CatalogueEntry {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  /** Without `le`, and without those that a scraper adds. */
  readonly labels: readonly string[];
  /** A clause for people. */
  readonly help: string;
  readonly origin: "proxy" | "control plane";
}
