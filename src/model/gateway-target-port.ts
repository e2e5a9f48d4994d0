// Where a gateway's pod listens for a port that a Gateway names.

import type { Read } from "../graph/read.ts";
import { isSelected } from "./endpoints.ts";
import type { Model } from "./model.ts";
import { rowKey } from "./sources.ts";

export interface GatewayPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A Service in front of the gateway may map 80 to 8080: the server's number is the Service's port. */
export function gatewayTargetPort(
  { namespace, name, labels }: GatewayPod,
  port: number,
  { model, read }: { readonly model: Model; readonly read: Read },
): number {
  for (const [, service] of read.find(model.servicesByNamespace, namespace)) {
    const { selector, ports } = service;
    if (selector === undefined || Object.keys(selector).length === 0 || !isSelected(selector, labels))
      continue;
    const found = ports.find(({ number }) => number === port);
    if (found === undefined) continue;
    const named = read.get(model.workloads.table, rowKey(namespace, name));
    return found.targetPort ?? named?.portNumbers[found.targetPortName ?? ""] ?? port;
  }
  return port;
}
