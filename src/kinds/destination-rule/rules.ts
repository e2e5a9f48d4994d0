// What a DestinationRule's schema can't say.

import type { ObjectMeta } from "../object-meta.ts";
import { checkLabel, isDnsLabel } from "../object-name.ts";
import type { TypeOf } from "../schema.ts";
import type { Findings } from "../value-rules.ts";
import { checkExportTo, checkWildcardHostname } from "../value-rules.ts";
import type { destinationRuleSpec } from "./destination-rule-spec.ts";
import { checkTrafficPolicy } from "./traffic-policy-rules.ts";

interface DestinationRuleLike {
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: TypeOf<typeof destinationRuleSpec>;
}

export function* destinationRuleRules({ metadata, spec }: DestinationRuleLike): Findings {
  yield* checkWildcardHostname("spec.host", spec.host);
  yield* checkTrafficPolicy("spec.trafficPolicy", spec.trafficPolicy);
  const names = new Set<string>();
  for (const [index, { name, labels, trafficPolicy }] of (spec.subsets ?? []).entries()) {
    const path = `spec.subsets[${index}]`;
    if (!isDnsLabel(name)) {
      yield {
        path: `${path}.name`,
        message: `"${name}" isn't a subset's name, wanted a DNS label such as "v1"`,
      };
    }
    if (names.has(name)) yield { path: `${path}.name`, message: `there are two subsets "${name}"` };
    names.add(name);
    for (const [key, value] of Object.entries(labels ?? {})) yield* checkLabel(key, value, `${path}.labels`);
    yield* checkTrafficPolicy(`${path}.trafficPolicy`, trafficPolicy);
  }
  yield* checkExportTo(spec.exportTo, metadata);
  yield* checkSelectorExport(spec, metadata.namespace);
}

// A rule for chosen clients concerns the clients of its own namespace only.
function* checkSelectorExport(
  { workloadSelector, exportTo = [] }: DestinationRuleLike["spec"],
  namespace: string,
): Findings {
  if (workloadSelector === undefined || exportTo.every((entry) => entry === "." || entry === namespace))
    return;
  const message = "a rule with a workloadSelector can be exported to its own namespace only";
  yield { path: "spec.exportTo", message };
}
