// Clusters of a proxy as istioctl shows them.

import { renderTable } from "../table.ts";
import type { DumpedCluster } from "./config-dump.ts";
import { makerOf } from "./config-dump.ts";

export interface ClusterFilter {
  readonly fqdn?: string | undefined;
  readonly port?: number | undefined;
  readonly direction?: string | undefined;
  readonly subset?: string | undefined;
}

/** What a name such as `outbound|9080|v1|reviews.shop.svc.cluster.local` says; other names are all hostname. */
export interface ClusterParts {
  readonly hostname: string;
  readonly port: string;
  readonly subset: string;
  readonly direction: string;
}

export function parseClusterName(name: string): ClusterParts {
  const parts = name.includes("|") ? name.split("|") : name.split("_.");
  const [direction = "", port = "", subset = "", hostname = ""] = parts;
  return parts.length === 4
    ? { hostname, port, subset, direction }
    : { hostname: name, port: "", subset: "", direction: "" };
}

export function filterClusters(clusters: readonly DumpedCluster[], filter: ClusterFilter): DumpedCluster[] {
  return clusters.filter(({ name = "" }) => {
    const parts = parseClusterName(name);
    return (
      (filter.fqdn === undefined || parts.hostname.includes(filter.fqdn)) &&
      (filter.port === undefined || parts.port === `${filter.port}`) &&
      (filter.direction === undefined || parts.direction === filter.direction) &&
      (filter.subset === undefined || parts.subset === filter.subset)
    );
  });
}

export function clusterTable(clusters: readonly DumpedCluster[]): string {
  const rows = clusters
    .map((cluster) => ({ cluster, parts: parseClusterName(cluster.name ?? "") }))
    .sort((one, other) => sortKey(one.parts).localeCompare(sortKey(other.parts)))
    .map(({ cluster, parts }) => [
      parts.hostname,
      parts.port,
      parts.subset,
      parts.direction,
      cluster.type ?? "STATIC",
      makerOf(cluster.metadata, "DestinationRule"),
    ]);
  return renderTable(["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"], rows);
}

function sortKey({ hostname, port, subset, direction }: ClusterParts): string {
  return [hostname, port.padStart(5, "0"), direction, subset].join(" ");
}
