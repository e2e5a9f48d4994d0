// A Gateway whose selector finds no pod: nobody opens its ports.

import type { Problem } from "../../core/problem.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { labelKey } from "./problem-indexes.ts";
import { selectedWorkloads } from "./selected-workloads.ts";

export function* checkGatewaySelector(object: Gateway, context: CheckContext): Iterable<Problem> {
  const found = selectedWorkloads(object, context);
  if (found === undefined || found.length > 0) return;
  // Where no pod runs at all, as with a directory of configuration only, there is nothing to miss.
  if (context.read.all(context.model.workloads.table).length === 0) return;
  const labels = Object.entries(object.spec.selector ?? {}).map(labelKey);
  yield problemAt(object, "spec.selector", {
    code: "MLT2011",
    message: `No pod has the labels ${labels.join(", ")}, so nobody opens the ports of this Gateway`,
  });
}
