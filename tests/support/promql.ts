// What a query of PromQL asks for, as far as tests of dashboards need to know.

export interface QueriedSeries {
  readonly metric: string;
  readonly labels: ReadonlySet<string>;
}

// Whoever writes a metric's name without an underscore isn't of ours or Istio's.
const SELECTOR = /\b([a-z]+_[a-z0-9_]+)\b(?!\s*\()(?:\{([^}]*)\})?/g;
const GROUPING = /\bby\s*\(([^)]*)\)/g;

/** Each metric with the labels that it is chosen by; those that results are grouped by count for all. */
export function queriedSeries(promql: string): readonly QueriedSeries[] {
  const groups = [...promql.matchAll(GROUPING)].flatMap(([, names = ""]) => names.split(/,\s*/));
  const grouped = groups.filter((name) => name !== "" && name !== "le");
  return [...promql.replaceAll(GROUPING, "").matchAll(SELECTOR)].map(([, metric = "", matchers = ""]) => {
    const chosen = [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, name = ""]) => name);
    return { metric, labels: new Set([...chosen, ...grouped]) };
  });
}
