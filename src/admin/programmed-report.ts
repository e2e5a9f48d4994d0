// How far an object has reached the proxies that it concerns, in the words of the admin's contract.

import type { ObjectKey } from "../core/object-key.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ProgrammedReport } from "./contract/control-plane.ts";
import { mergeReasons } from "./contract/refusal-reasons.ts";

export function programmedReport(
  fleet: Pick<Fleet, "programmed">,
  object: ObjectKey,
  inForce: KubernetesObject | undefined,
): ProgrammedReport {
  const { proxyCount, acknowledgedCount, awaited, refusals } = fleet.programmed(object);
  const reasons = refusals.flatMap(({ nodeId, refused }) =>
    refused.map(({ type, name, detail }) => ({
      message: `${type} "${name}": ${detail}`,
      proxies: [proxyNameOf(nodeId)],
    })),
  );
  return {
    object,
    ...(inForce === undefined ? {} : { inForce }),
    proxyCount,
    acknowledgedCount,
    awaited: awaited.map(proxyNameOf),
    refusedBy: refusals.map(({ nodeId }) => proxyNameOf(nodeId)),
    reasons: mergeReasons(reasons).slice(0, MAX_REASONS),
  };
}

// A proxy gives the reasons that it likes.
const MAX_REASONS = 20;

/** `reviews-v1-abc.shop` of `sidecar~10.0.0.7~reviews-v1-abc.shop~shop.svc.cluster.local`. */
function proxyNameOf(nodeId: string): string {
  return nodeId.split("~")[2] ?? nodeId;
}
