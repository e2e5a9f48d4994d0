// Shadow traffic: copies of requests that go to another cluster, whose answers nobody waits for.

import { fractionalPercent } from "./fault.ts";
import type { RouteFeature } from "./route-feature.ts";

export const mirrorFeature: RouteFeature = {
  fields: [
    "VirtualService.spec.http[].mirror.*",
    "VirtualService.spec.http[].mirrors[].*",
    "VirtualService.spec.http[].mirrorPercent",
    "VirtualService.spec.http[].mirrorPercentage.*",
  ],
  apply({ mirrors }, draft) {
    if (mirrors.length === 0) return;
    draft.action.requestMirrorPolicies = mirrors.map(({ cluster, percentage }) => ({
      cluster,
      runtimeFraction: { defaultValue: fractionalPercent(percentage) },
    }));
  },
};
