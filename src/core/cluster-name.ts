// Istio's names of clusters: users, istioctl, Kiali and dashboards know them, so they are part of the API.

export interface OutboundClusterParts {
  readonly port: number;
  /** Empty for the whole service. */
  readonly subset: string;
  readonly hostname: string;
}

/** `outbound|9080|v1|reviews.shop.svc.cluster.local`. */
export function outboundClusterName({ port, subset, hostname }: OutboundClusterParts): string {
  return `outbound|${port}|${subset}|${hostname}`;
}

/** `outbound_.9080_.v1_.reviews.shop.svc.cluster.local`: the SNI that a sidecar sends to a service over mTLS. */
export function outboundServerName({ port, subset, hostname }: OutboundClusterParts): string {
  return `outbound_.${port}_.${subset}_.${hostname}`;
}

/** `inbound|9080||`: the workload's own port, whatever service leads to it. */
export function inboundClusterName(port: number): string {
  return `inbound|${port}||`;
}

export const PASSTHROUGH_CLUSTER = "PassthroughCluster";
export const BLACK_HOLE_CLUSTER = "BlackHoleCluster";
export const INBOUND_PASSTHROUGH_CLUSTER = "InboundPassthroughCluster";
