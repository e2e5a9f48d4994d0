// Shadow traffic: copies of requests that go to another cluster, whose answers nobody waits for.

import { claims } from "../../kinds/claims.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import { fractionalPercent } from "./fault.ts";
import type { RouteFeature } from "./route-feature.ts";

export const mirrorFeature: RouteFeature = {
  fields: [
    ...claims(virtualServiceKind, ["spec.http[].mirrorPercent", "spec.http[].mirrorPercentage.value"]),
    ...claims(virtualServiceKind, "spec.http[].mirror", ["host", "subset", "port.number"]),
    ...claims(virtualServiceKind, "spec.http[].mirrors[]", [
      "destination.host",
      "destination.subset",
      "destination.port.number",
      "percentage.value",
    ]),
  ],
  apply({ mirrors }, draft) {
    if (mirrors.length === 0) return;
    draft.action.requestMirrorPolicies = mirrors.map(({ cluster, percentage }) => ({
      cluster,
      runtimeFraction: { defaultValue: fractionalPercent(percentage) },
    }));
  },
};
