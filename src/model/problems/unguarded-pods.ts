// Pods without any AuthorizationPolicy in a namespace that has some: whoever wrote the others may have forgotten them.

import type { Graph } from "../../graph/graph.ts";
import { enforcedPolicyKeys } from "../enforced-policies.ts";
import type { Model } from "../model.ts";
import { hasOwnPolicies } from "../workload-policies.ts";
import type { Workload } from "../workloads.ts";
import { declareNamespacedRows, type NamespacedRows } from "./namespaced-rows.ts";

/** With a sidecar. */
export function declareUnguardedPods(
  graph: Graph,
  { workloads, enforcedPolicies }: Model,
): NamespacedRows<Workload> {
  const policies = enforcedPolicies.AuthorizationPolicy;
  const table = graph.derive<Workload, Workload>({
    name: "pods without an AuthorizationPolicy",
    from: workloads.table,
    rows: (key, pod, read) => {
      if (!pod.hasMutualTls || pod.proxyKind !== "sidecar") return [];
      if (!hasOwnPolicies(read, policies.scopes, pod.namespace)) return [];
      return enforcedPolicyKeys(read, policies, pod).length === 0 ? [[key, pod]] : [];
    },
  });
  return declareNamespacedRows(graph, table);
}
