// The workloads that a Gateway's selector finds, in any namespace.

import { matchesLabels } from "../../core/label-selector.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import type { Workload } from "../workloads.ts";
import type { CheckContext } from "./check.ts";
import { labelKey } from "./problem-indexes.ts";

/** Undefined where the selector is empty, which means every gateway. */
export function selectedWorkloads(
  { spec }: Gateway,
  { read, indexes }: CheckContext,
): readonly Workload[] | undefined {
  const selector = spec.selector ?? {};
  const [first] = Object.entries(selector);
  if (first === undefined) return undefined;
  return read
    .find(indexes.workloadsByLabel, labelKey(first))
    .map(([, workload]) => workload)
    .filter(({ labels }) => matchesLabels(selector, labels));
}
