// One route from its inputs: the features in order, then the action they drafted.

import type { RouteInputs } from "../../view/route-inputs.ts";
import { type OtherMetadata, provenanceMetadata } from "../provenance.ts";
import { corsFeature } from "./cors-policy.ts";
import { destinationsFeature, hashPolicyFeature } from "./destinations.ts";
import { faultFeature } from "./fault.ts";
import { headerOperationsFeature } from "./header-operations.ts";
import { mirrorFeature } from "./mirror.ts";
import { directResponseFeature, redirectFeature } from "./redirect.ts";
import { retryFeature } from "./retry-policy.ts";
import { rewriteFeature } from "./rewrite.ts";
import type { RouteDraft, RouteFeature, RouteInit } from "./route-feature.ts";
import { routeMatchFeature } from "./route-match.ts";
import { timeoutFeature } from "./timeout.ts";

export const routeFeatures: readonly RouteFeature[] = [
  routeMatchFeature,
  timeoutFeature,
  retryFeature,
  headerOperationsFeature,
  destinationsFeature,
  hashPolicyFeature,
  rewriteFeature,
  mirrorFeature,
  faultFeature,
  corsFeature,
  redirectFeature,
  directResponseFeature,
];

/** Pure. A rule that leads nowhere answers 503: Envoy would refuse the whole table for a route without a cluster. */
export function buildRoute(inputs: RouteInputs): RouteInit {
  const draft: RouteDraft = { route: { name: inputs.name }, action: {}, filterConfig: {} };
  for (const feature of routeFeatures) feature.apply(inputs, draft);
  const { route, action, filterConfig } = draft;
  route.action ??=
    action.clusterSpecifier === undefined
      ? { case: "directResponse", value: { status: 503 } }
      : { case: "route", value: action };
  route.decorator = { operation: inputs.operation };
  route.metadata = provenanceMetadata(inputs.provenance, ofRule(inputs));
  route.typedPerFilterConfig = filterConfig;
  return route;
}

/** What istioctl, Kiali and access-log formats look for: the rule behind the route. */
function ofRule({ provenance, rule }: RouteInputs): OtherMetadata {
  const [first] = provenance;
  if (rule === undefined || first === undefined) return {};
  const [, namespace = "", name = ""] = first.object.split("/");
  return {
    istio: { config: `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}` },
  };
}
