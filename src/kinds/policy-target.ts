// How a policy names what it applies to: workloads by labels, or Gateways, Services and others by reference.

import { childPath } from "../core/field-path.ts";
import { checkLabel } from "./object-name.ts";
import type { TypeOf } from "./schema.ts";
import { message, text } from "./schema.ts";
import type { Findings } from "./value-rules.ts";
import type { WorkloadSelector } from "./workload-selector.ts";

/** `PolicyTargetReference` */
export const policyTargetReference = message(
  { group: text(), namespace: text() },
  { required: { kind: text(), name: text() } },
);

export type PolicyTargetReference = TypeOf<typeof policyTargetReference>;

interface TargetedPolicy {
  readonly spec?: {
    readonly selector?: WorkloadSelector;
    readonly targetRef?: PolicyTargetReference;
    readonly targetRefs?: readonly PolicyTargetReference[];
  };
}

/** At most one of selector, targetRef and targetRefs; each well formed. */
export function* policyTargetRules({ spec = {} }: TargetedPolicy): Findings {
  const { selector, targetRef, targetRefs = [] } = spec;
  const ways = [
    ...(Object.keys(selector?.matchLabels ?? {}).length > 0 ? ["selector"] : []),
    ...(targetRef === undefined ? [] : ["targetRef"]),
    ...(targetRefs.length === 0 ? [] : ["targetRefs"]),
  ];
  const [first, second] = ways;
  if (second !== undefined) {
    const message = `"${first}" and "${second}" are both set, only one of them may be`;
    yield { path: childPath("spec", second), message };
  }
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    yield* checkLabel(key, value, "spec.selector.matchLabels");
  }
  if (targetRef !== undefined) yield* checkTarget("spec.targetRef", targetRef);
  for (const [index, target] of targetRefs.entries()) yield* checkTarget(`spec.targetRefs[${index}]`, target);
}

/** As in Istio: the group, then the kind; the core group may be written as either. */
const TARGETS = [
  "/Service",
  "core/Service",
  "networking.istio.io/ServiceEntry",
  "gateway.networking.k8s.io/Gateway",
  "gateway.networking.k8s.io/GatewayClass",
];

/** Its length and form are bounds that the kinds declare. */
export function* checkTarget(
  path: string,
  { group = "", kind, name, namespace = "" }: PolicyTargetReference,
): Findings {
  const target = `${group}/${kind}`;
  if (kind !== "" && !TARGETS.includes(target))
    yield { path, message: `found "${target}" as a target, wanted one of ${TARGETS.slice(1).join(", ")}` };
  if (kind === "") yield { code: "MLT1006", path: `${path}.kind`, message: "a target needs a kind" };
  if (name === "") yield { code: "MLT1006", path: `${path}.name`, message: "a target needs a name" };
  if (namespace !== "") {
    const message = `found "${namespace}": a target is in the policy's own namespace, so none is named`;
    yield { path: `${path}.namespace`, message };
  }
}
