// The control planes of a cluster as their Services' EndpointSlices have them: this one's other replicas, and those of
// other revisions. Pure.

import type { EndpointSlice } from "../kinds/endpoint-slice.ts";

export interface ReplicaAddress {
  /** Of its pod. */
  readonly name: string;
  readonly revision: string;
  readonly host: string;
  readonly port: number;
  /** One that isn't may be starting or ending. */
  readonly isReady: boolean;
}

const NAME_LABEL = "app.kubernetes.io/name";
const REVISION_LABEL = "istio.io/rev";
const XDS_PORT_NAME = "grpc-xds-tls";

/** Each replica once, though it may have addresses of both families. */
export function replicaAddresses(
  slices: Iterable<EndpointSlice>,
  namespace: string,
): readonly ReplicaAddress[] {
  const replicas = new Map<string, ReplicaAddress>();
  for (const { endpoints, metadata, ports = [] } of slices) {
    const { [NAME_LABEL]: application, [REVISION_LABEL]: revision } = metadata.labels ?? {};
    if (metadata.namespace !== namespace || application !== "meltemi" || revision === undefined) continue;
    const port = ports.find(({ name }) => name === XDS_PORT_NAME)?.port;
    for (const { addresses, conditions, targetRef } of port === undefined ? [] : endpoints) {
      const [host] = addresses;
      const name = targetRef?.name;
      if (host === undefined || name === undefined || port === undefined || replicas.has(name)) continue;
      replicas.set(name, { name, revision, host, port, isReady: conditions?.ready !== false });
    }
  }
  return [...replicas.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Objects that are for all revisions get their status from one: the revision `default`, else the first by name. */
export function isFirstRevision(own: string, replicas: readonly ReplicaAddress[]): boolean {
  const revisions = replicas.filter(({ isReady }) => isReady).map(({ revision }) => revision);
  return own === "default" || !revisions.some((other) => other === "default" || other < own);
}
