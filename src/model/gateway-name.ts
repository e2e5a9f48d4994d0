// How a VirtualService names the gateways that it is for.

import { rowKey } from "./sources.ts";

/** The name by which a VirtualService binds to sidecars. */
export const MESH_GATEWAY = "mesh";

/**
 * `namespace/name` of a gateway as written in an object of `namespace`: `edge`, `./edge`, `infra/edge`, or in the old
 * form `edge.infra.svc.cluster.local`.
 */
export function qualifyGateway(written: string, namespace: string): string {
  if (written === MESH_GATEWAY) return written;
  if (written.startsWith("./")) return rowKey(namespace, written.slice(2));
  if (written.includes("/")) return written;
  const [name = "", ofName = namespace] = written.split(".");
  return rowKey(ofName, name);
}
