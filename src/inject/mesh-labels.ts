// The labels that injection adds: the name under which telemetry knows a workload, and that it speaks mTLS,
// and which network it is in.

import { labelOf } from "./injectable-pod.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

const CANONICAL_NAME = "service.istio.io/canonical-name";
const CANONICAL_REVISION = "service.istio.io/canonical-revision";
const TLS_MODE = "security.istio.io/tlsMode";
const NETWORK = "topology.istio.io/network";

/** The user's own labels win. A gateway's servers speak what each says of itself, so its pod says nothing of mTLS. */
export function meshLabels({ pod, owner, network, role }: SidecarPlan): Record<string, string> {
  const first = (...names: string[]) => names.map((name) => labelOf(pod, name)).find(isGiven);
  return {
    ...(role === "sidecar" ? { [TLS_MODE]: labelOf(pod, TLS_MODE) ?? "istio" } : {}),
    [CANONICAL_NAME]: first(CANONICAL_NAME, "app.kubernetes.io/name", "app") ?? owner.name,
    [CANONICAL_REVISION]: first(CANONICAL_REVISION, "app.kubernetes.io/version", "version") ?? "latest",
    ...(network === "" ? {} : { [NETWORK]: network }),
  };
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
