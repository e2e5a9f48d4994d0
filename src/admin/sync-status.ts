// `/debug/syncz` as Istio's control plane answers it: each proxy with the nonces that it was sent and acknowledged.

import type { FleetSession } from "../fleet/fleet-session.ts";
import type { ResourceType } from "../xds/resource-type.ts";

/** Field names are Istio's. */
export interface SyncStatus {
  readonly cluster_id: string;
  readonly proxy: string;
  readonly proxy_type: string;
  /** Of its Envoy. */
  readonly proxy_version: string;
  /** Of the mesh's release that its agent is of; shown by `istioctl version`. */
  readonly istio_version: string;
  readonly [nonce: `${string}_sent` | `${string}_acked`]: string;
}

const namesByType: Readonly<Record<string, ResourceType>> = {
  cluster: "cluster",
  listener: "listener",
  route: "route",
  endpoint: "endpoint",
  extensionconfig: "extension-config",
};

export function syncStatuses(proxies: readonly FleetSession[]): readonly SyncStatus[] {
  return proxies.map(syncStatusOf);
}

function syncStatusOf({ proxy, origin, envoyVersion, ledger }: FleetSession): SyncStatus {
  const nonces = Object.entries(namesByType).flatMap(([name, type]) => {
    const { sent, acknowledged } = ledger.noncesOf(type);
    return [
      ...(sent === "" ? [] : [[`${name}_sent`, sent]]),
      ...(acknowledged === "" ? [] : [[`${name}_acked`, acknowledged]]),
    ];
  });
  return {
    cluster_id: origin.clusterId,
    proxy: `${proxy.name}.${proxy.namespace}`,
    proxy_type: proxy.kind,
    proxy_version: envoyVersion,
    istio_version: origin.meshVersion,
    ...Object.fromEntries(nonces),
  };
}
