// Endpoints of a proxy as istioctl shows them, with the health that Envoy gives them now: from its
// /clusters?format=json, since config_dump doesn't know which were ejected.

import { renderTable } from "../table.ts";
import type { DumpedAddress } from "./config-dump.ts";
import { addressText } from "./listener-table.ts";

export interface ClusterStatuses {
  readonly cluster_statuses?: readonly ClusterStatus[];
}

interface ClusterStatus {
  readonly name?: string;
  readonly host_statuses?: readonly HostStatus[];
}

interface HostStatus {
  readonly address?: DumpedAddress;
  readonly health_status?: {
    readonly eds_health_status?: string;
    readonly failed_active_health_check?: boolean;
    readonly failed_outlier_check?: boolean;
  };
}

export interface Endpoint {
  readonly endpoint: string;
  readonly port: number | undefined;
  readonly status: string;
  readonly outlierCheck: "OK" | "FAILED";
  readonly cluster: string;
}

export interface EndpointFilter {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly cluster?: string | undefined;
  readonly status?: string | undefined;
}

export function endpointsOf({ cluster_statuses = [] }: ClusterStatuses): Endpoint[] {
  return cluster_statuses.flatMap(({ name = "", host_statuses = [] }) =>
    host_statuses.map(({ address, health_status: health = {} }) => {
      const port = address?.socket_address?.port_value;
      const place = addressText(address);
      const host = place.includes(":") && port !== undefined ? `[${place}]` : place;
      return {
        endpoint: port === undefined ? place : `${host}:${port}`,
        port,
        status:
          health.failed_active_health_check === true ? "UNHEALTHY" : (health.eds_health_status ?? "HEALTHY"),
        outlierCheck: health.failed_outlier_check === true ? "FAILED" : "OK",
        cluster: name,
      };
    }),
  );
}

export function filterEndpoints(endpoints: readonly Endpoint[], filter: EndpointFilter): Endpoint[] {
  return endpoints.filter(
    ({ endpoint, port, cluster, status }) =>
      (filter.address === undefined || endpoint.startsWith(`${filter.address}:`)) &&
      (filter.port === undefined || port === filter.port) &&
      (filter.cluster === undefined || cluster === filter.cluster) &&
      (filter.status === undefined || status === filter.status.toUpperCase()),
  );
}

export function endpointTable(endpoints: readonly Endpoint[]): string {
  const rows = [...endpoints]
    .sort(
      (one, other) => one.cluster.localeCompare(other.cluster) || one.endpoint.localeCompare(other.endpoint),
    )
    .map(({ endpoint, status, outlierCheck, cluster }) => [endpoint, status, outlierCheck, cluster]);
  return renderTable(["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"], rows);
}
