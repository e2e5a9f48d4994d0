// `/debug/syncz` as Istio's control plane answers it: each proxy with the nonces that it was sent and acknowledged.

import type { Fleet, FleetSession } from "../fleet/fleet.ts";
import type { ResourceType } from "../xds/resource-type.ts";

/** Field names are Istio's. */
export interface SyncStatus {
  readonly cluster_id: string;
  readonly proxy: string;
  readonly proxy_type: string;
  readonly proxy_version: string;
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

export function syncStatuses(fleet: Pick<Fleet, "sessions">): readonly SyncStatus[] {
  return [...fleet.sessions()].map(syncStatusOf).sort((a, b) => (a.proxy < b.proxy ? -1 : 1));
}

function syncStatusOf({ proxy, envoyVersion, ledger }: FleetSession): SyncStatus {
  const nonces = Object.entries(namesByType).flatMap(([name, type]) => {
    const { sent, acknowledged } = ledger.noncesOf(type);
    return [
      ...(sent === "" ? [] : [[`${name}_sent`, sent]]),
      ...(acknowledged === "" ? [] : [[`${name}_acked`, acknowledged]]),
    ];
  });
  return {
    cluster_id: "Kubernetes",
    proxy: `${proxy.name}.${proxy.namespace}`,
    proxy_type: proxy.kind,
    proxy_version: envoyVersion,
    istio_version: envoyVersion,
    ...Object.fromEntries(nonces),
  };
}
