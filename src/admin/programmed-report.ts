// How far an object has reached the proxies that it concerns, in the words of the admin's contract.

import type { ObjectKey } from "../core/object-key.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ProgrammedReport } from "./contract/control-plane.ts";

export function programmedReport(
  fleet: Pick<Fleet, "programmed" | "refusals">,
  object: ObjectKey,
  inForce: KubernetesObject | undefined,
): ProgrammedReport {
  const { proxyCount, acknowledgedCount, awaited, refusedBy } = fleet.programmed(object);
  const blamed = fleet.refusals().filter(({ source }) => source.some((part) => part.object === object));
  return {
    object,
    ...(inForce === undefined ? {} : { inForce }),
    proxyCount,
    acknowledgedCount,
    awaited: awaited.map(proxyNameOf),
    refusedBy: refusedBy.map(proxyNameOf),
    refusals: [...new Set(blamed.map(({ type, name, detail }) => `${type} "${name}": ${detail}`))],
  };
}

/** `reviews-v1-abc.shop` of `sidecar~10.0.0.7~reviews-v1-abc.shop~shop.svc.cluster.local`. */
function proxyNameOf(nodeId: string): string {
  return nodeId.split("~")[2] ?? nodeId;
}
