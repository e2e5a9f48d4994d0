// Where a gateway's pod listens for a port that a Gateway names.

import type { Read } from "../graph/read.ts";
import type { Model } from "./model.ts";
import { portsOfWorkload, type WorkloadPlace } from "./workload-ports.ts";

/** Services in front of the gateway may map 80 to 8080, and another to 8081: the server's number is the Service's port. */
export function gatewayTargetPorts(
  pod: WorkloadPlace,
  port: number,
  context: { readonly model: Model; readonly read: Read },
): readonly number[] {
  const targets = portsOfWorkload(pod, context).filter(
    ({ service, port: { number } }) => number === port && !service.keepsGatewayPorts,
  );
  const numbers = new Set(targets.map(({ number }) => number));
  return numbers.size === 0 ? [port] : [...numbers].sort((a, b) => a - b);
}
