// The node that a proxy calls itself, as injection made it from the pod: Istio's id, cluster and metadata keys.

import type { JsonObject } from "@bufbuild/protobuf";

export interface ProxyNode {
  /** `sidecar~10.244.0.5~reviews-1.shop~shop.svc.cluster.local` */
  readonly id: string;
  /** Such as `reviews.shop`. */
  readonly cluster: string;
  /** JSON values only. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly locality?: { readonly region?: string; readonly zone?: string; readonly subZone?: string };
}

export function buildNode({ id, cluster, metadata, locality }: ProxyNode): JsonObject {
  return { id, cluster, metadata: metadata as JsonObject, ...(locality !== undefined && { locality }) };
}
