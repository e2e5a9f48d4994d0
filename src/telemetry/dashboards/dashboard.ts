// A dashboard as its author sees it: rows of panels, each with queries. What Grafana needs besides is added elsewhere.

export interface Dashboard {
  /** Of its file and its address in Grafana. */
  readonly name: string;
  readonly title: string;
  /** What is chosen at the top, in this order. */
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** Values of a label, where PromQL's selector finds it. */
  readonly values: { readonly selector: string; readonly label: string };
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Panel {
  readonly title: string;
  /** A clause for people: what it means that it goes up. */
  readonly description: string;
  readonly kind: "stat" | "timeseries";
  /** One of Grafana's. */
  readonly unit: "reqps" | "percentunit" | "ms" | "s" | "Bps" | "bytes" | "short" | "ops";
  readonly queries: readonly Query[];
}

export interface Query {
  /** PromQL, with Grafana's `$variables`. */
  readonly promql: string;
  /** With `{{label}}`. */
  readonly legend: string;
}

/** A second of a counter. */
export function rate(selector: string): string {
  return `rate(${selector}[$__rate_interval])`;
}

export function sumBy(labels: readonly string[], promql: string): string {
  return labels.length === 0 ? `sum(${promql})` : `sum by (${labels.join(", ")}) (${promql})`;
}

/** P50, P95 and P99 of a histogram, by labels. */
export function quantiles(
  histogram: { readonly name: string; readonly matchers: string },
  labels: readonly string[] = [],
): readonly Query[] {
  const { name, matchers } = histogram;
  const buckets = sumBy(["le", ...labels], rate(`${name}_bucket{${matchers}}`));
  const suffix = labels.map((label) => ` {{${label}}}`).join("");
  return [
    ["0.5", "p50"],
    ["0.95", "p95"],
    ["0.99", "p99"],
  ].map(([quantile, legend]) => ({
    promql: `histogram_quantile(${quantile}, ${buckets})`,
    legend: `${legend}${suffix}`,
  }));
}
