// The reference page of metrics, made of their catalogue.

import { metricCatalogue } from "./catalogue.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";

/** Markdown. */
export function metricsReference(): string {
  const all = metricCatalogue();
  const isRuntime = ({ name }: CatalogueEntry) => /^(?:nodejs|process)_/.test(name);
  const ofProxy = all.filter(({ origin }) => origin === "proxy");
  const ofControlPlane = all.filter(({ origin }) => origin === "control plane");
  const [labels = []] = ofProxy.map((entry) => entry.labels);
  return `# Metrics

This page is written from the program's own tables. What they mean to a user is in the [guide](../guides/metrics.md).

## Of proxies

On each proxy's ports 15020 and 15090 at \`/stats/prometheus\`, beside Envoy's own (\`envoy_*\`), which
[Envoy's documentation](https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats) describes.

${table(ofProxy, (entry) => (isOfTraffic(entry) ? "those of traffic" : codeList(entry.labels)))}

Labels of traffic: ${codeList(labels)}. Metrics of TCP lack the last two.

## Of the control plane

On its port 15014 at \`/metrics\`.

${table(
  ofControlPlane.filter((entry) => !isRuntime(entry)),
  ({ labels: own }) => codeList(own),
)}

Of its process:

${table(ofControlPlane.filter(isRuntime), ({ labels: own }) => codeList(own))}
`;
}

function isOfTraffic({ labels }: CatalogueEntry): boolean {
  return labels.includes("reporter");
}

function table(entries: readonly CatalogueEntry[], labelsOf: (entry: CatalogueEntry) => string): string {
  const rows = entries
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map((entry) => `| \`${entry.name}\` | ${entry.type} | ${entry.help} | ${labelsOf(entry)} |`);
  return ["| metric | type | what | labels |", "|---|---|---|---|", ...rows].join("\n");
}

function codeList(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
