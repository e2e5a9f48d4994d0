// What metrics call the agent's own workload, by the node that its Envoy calls itself.

import { describeWorkload, OWN_CLUSTER, type WorkloadDescription } from "../../core/workload-description.ts";
import type { ProxyNode } from "../bootstrap/proxy-node.ts";

export function ownDescription({ metadata }: Pick<ProxyNode, "metadata">): WorkloadDescription {
  const { WORKLOAD_NAME, NAME, NAMESPACE, CLUSTER_ID, LABELS } = metadata;
  const described = describeWorkload({
    workloadName: textOf(WORKLOAD_NAME) || textOf(NAME),
    namespace: textOf(NAMESPACE),
    labels: labelsOf(LABELS),
  });
  return { ...described, cluster: textOf(CLUSTER_ID) || OWN_CLUSTER };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, textOf(text)]));
}
