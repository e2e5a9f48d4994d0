// The two texts that metrics are exposed in, and which of them a scraper, an app and so the merged page speak.

/** `text` is Prometheus's text format 0.0.4. */
export type ExpositionFormat = "text" | "openmetrics";

const OPENMETRICS = "application/openmetrics-text";
const DEFAULT_ACCEPT = "text/plain;version=0.0.4";

/** What an app is asked for: what the scraper takes, without formats that can't be put together with others' lines. */
export function acceptForApp(accept: string | undefined): string {
  const kept = (accept ?? "")
    .split(",")
    .map((range) => range.trim())
    .filter((range) =>
      /^(?:application\/openmetrics-text|text\/plain|text\/\*|\*\/\*)\s*(?:;|$)/i.test(range),
    );
  return kept.length === 0 ? DEFAULT_ACCEPT : kept.join(",");
}

/** Undefined where it is neither; many an app says `text/html` or nothing, and means text. */
export function formatOf(contentType: string | undefined): ExpositionFormat | undefined {
  const [type = ""] = (contentType ?? "").toLowerCase().split(";");
  if (type.trim() === OPENMETRICS) return "openmetrics";
  return /protobuf|json|octet-stream|^\s*(?:image|audio|video)\//.test(type) ? undefined : "text";
}

/** OpenMetrics where the scraper takes it and every app speaks it: nobody else's lines gain by it. */
export function mergedFormat(
  accept: string | undefined,
  apps: readonly ExpositionFormat[],
): ExpositionFormat {
  const isTaken = accept?.toLowerCase().includes(OPENMETRICS) === true;
  return isTaken && apps.length > 0 && apps.every((format) => format === "openmetrics")
    ? "openmetrics"
    : "text";
}

export function contentTypeOf(format: ExpositionFormat, accept: string | undefined): string {
  if (format === "text") return "text/plain; version=0.0.4; charset=utf-8";
  const takesFirst = /openmetrics-text\s*;[^,]*version=1\.0\.0/i.test(accept ?? "");
  return `${OPENMETRICS}; version=${takesFirst ? "1.0.0" : "0.0.1"}; charset=utf-8`;
}
