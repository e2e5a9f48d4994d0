// The schema of the spec of kind DestinationRule, and the types that follow from it.

import type { TypeOf } from "../schema.ts";
import { list, message, text } from "../schema.ts";
import { workloadSelector } from "../workload-selector.ts";
import { subset, trafficPolicy } from "./traffic-policy.ts";

export const destinationRuleSpec = message(
  { trafficPolicy, subsets: list(subset), exportTo: list(text()), workloadSelector },
  { required: { host: text() } },
);

export type DestinationRuleSpec = TypeOf<typeof destinationRuleSpec>;
