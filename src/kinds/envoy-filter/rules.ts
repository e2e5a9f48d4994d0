// What an EnvoyFilter's schema can't say: which match goes with which context.

import { checkLabel } from "../object-name.ts";
import { checkTarget } from "../policy-target.ts";
import type { Findings } from "../value-rules.ts";
import type { ConfigurationObjectPatch, EnvoyFilterSpec } from "./envoy-filter-spec.ts";

interface EnvoyFilterLike {
  readonly spec?: EnvoyFilterSpec;
}

export function* envoyFilterRules({ spec = {} }: EnvoyFilterLike): Findings {
  const { configPatches = [], targetRefs = [], workloadSelector } = spec;
  for (const [key, value] of Object.entries(workloadSelector?.labels ?? {})) {
    yield* checkLabel(key, value, "spec.workloadSelector.labels");
  }
  if (targetRefs.length > 0 && workloadSelector !== undefined) {
    const message = '"workloadSelector" and "targetRefs" are both set, only one of them may be';
    yield { path: "spec.targetRefs", message };
  }
  for (const [index, target] of targetRefs.entries()) yield* checkTarget(`spec.targetRefs[${index}]`, target);
  for (const [index, patch] of configPatches.entries()) {
    yield* checkMatch(`spec.configPatches[${index}]`, patch);
  }
}

function* checkMatch(path: string, { match = {} }: ConfigurationObjectPatch): Findings {
  const { cluster, context = "ANY", listener, routeConfiguration, waypoint } = match;
  if (context !== "WAYPOINT" && waypoint !== undefined) {
    yield { path: `${path}.match.waypoint`, message: "a waypoint match needs the context WAYPOINT" };
  }
  const others = listener ?? routeConfiguration ?? cluster;
  if (context === "WAYPOINT" && others !== undefined) {
    yield { path: `${path}.match`, message: "the context WAYPOINT needs a waypoint match" };
  }
}
