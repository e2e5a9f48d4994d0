// DestinationRule: how traffic is handled once a host is chosen.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { placesOf } from "../same-fields.ts";
import { anything } from "../schema.ts";
import { destinationRuleSpec } from "./destination-rule-spec.ts";
import { destinationRuleRules } from "./rules.ts";

export const destinationRuleKind = defineKind({
  kind: "DestinationRule",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "destinationrules",
  shortNames: ["dr"],
  scope: "Namespaced",
  roles: ["modeled", "names-secrets"],
  description:
    "How clients speak to the endpoints of a host once a route has chosen it: load balancing, limits, ejection, TLS, and the subsets that routes may name.",
  fields: { status: anything() },
  requiredFields: { spec: destinationRuleSpec },
  references: [{ path: "spec.trafficPolicy.tls.credentialName", kind: "Secret" }],
  columns: [{ title: "Host", path: "spec.host" }],
  rules: [destinationRuleRules],
  admission: Object.fromEntries(
    placesOf("DestinationRule.spec.trafficPolicy.loadBalancer.warmup").flatMap((place) => {
      const path = place.slice("DestinationRule.".length);
      return [
        [`${path}.aggression`, { minimum: 0 }],
        [`${path}.minimumPercent`, { minimum: 0, maximum: 100 }],
      ];
    }),
  ),
});

export type DestinationRule = ObjectOf<typeof destinationRuleKind>;
