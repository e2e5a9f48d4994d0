// Where a route's requests go: one cluster, or several by weight; and how a consistent hash picks the endpoint.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  RouteAction_HashPolicySchema,
  WeightedCluster_ClusterWeightSchema,
} from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { claims } from "../../kinds/claims.ts";
import { destinationRuleKind } from "../../kinds/destination-rule/destination-rule.ts";
import type { ConsistentHash } from "../../kinds/destination-rule/load-balancer.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import type { ResolvedDestination } from "../../view/route-inputs.ts";
import { sniffedAlpnRouteConfig } from "../application-protocol.ts";
import { durationMessage } from "../duration-message.ts";
import { headerOperations, requestedAuthority } from "./header-operations.ts";
import type { RouteFeature } from "./route-feature.ts";

type HashPolicyInit = MessageInitShape<typeof RouteAction_HashPolicySchema>;
type ClusterWeightInit = MessageInitShape<typeof WeightedCluster_ClusterWeightSchema>;

const CLIENT_CERTIFICATE = "x-forwarded-client-cert";

export const destinationsFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].route[]", [
    "destination.host",
    "destination.subset",
    "destination.port.number",
    "weight",
    "headers.request.set.*",
    "headers.request.add.*",
    "headers.request.remove",
    "headers.response.set.*",
    "headers.response.add.*",
    "headers.response.remove",
  ]),
  apply({ destinations }, draft) {
    const [first, ...others] = destinations;
    if (first === undefined) return;
    if (others.length > 0) {
      draft.action.clusterSpecifier = {
        case: "weightedClusters",
        value: { clusters: destinations.map(weightedCluster) },
      };
      return;
    }
    draft.action.clusterSpecifier = { case: "cluster", value: first.cluster };
    if (first.isSniffed) Object.assign(draft.filterConfig, sniffedAlpnRouteConfig());
    if (first.headers !== undefined) applyHeaders(first.headers, draft);
    if (first.hidesClient)
      draft.route.requestHeadersToRemove = [
        ...(draft.route.requestHeadersToRemove ?? []),
        CLIENT_CERTIFICATE,
      ];
  },
};

export const hashPolicyFeature: RouteFeature = {
  fields: claims(destinationRuleKind, "spec.trafficPolicy.loadBalancer", [
    "consistentHash.httpHeaderName",
    "consistentHash.httpCookie.name",
    "consistentHash.httpCookie.path",
    "consistentHash.httpCookie.ttl",
    "consistentHash.httpCookie.attributes[].name",
    "consistentHash.httpCookie.attributes[].value",
    "consistentHash.useSourceIp",
    "consistentHash.httpQueryParameterName",
  ]),
  apply({ destinations }, draft) {
    const policies = destinations.flatMap(({ consistentHash }) =>
      consistentHash === undefined ? [] : hashPolicy(consistentHash),
    );
    if (policies.length > 0) draft.action.hashPolicy = policies;
  },
};

function applyHeaders(
  headers: NonNullable<ResolvedDestination["headers"]>,
  draft: Parameters<RouteFeature["apply"]>[1],
) {
  const operations = headerOperations(headers);
  const { route } = draft;
  route.requestHeadersToAdd = [...(route.requestHeadersToAdd ?? []), ...operations.requestHeadersToAdd];
  route.requestHeadersToRemove = [
    ...(route.requestHeadersToRemove ?? []),
    ...operations.requestHeadersToRemove,
  ];
  route.responseHeadersToAdd = [...(route.responseHeadersToAdd ?? []), ...operations.responseHeadersToAdd];
  route.responseHeadersToRemove = [
    ...(route.responseHeadersToRemove ?? []),
    ...operations.responseHeadersToRemove,
  ];
  const authority = requestedAuthority(headers);
  if (authority !== undefined)
    draft.action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: authority };
}

function weightedCluster(destination: ResolvedDestination): ClusterWeightInit {
  const authority = requestedAuthority(destination.headers);
  const operations = destination.headers === undefined ? undefined : headerOperations(destination.headers);
  return {
    name: destination.cluster,
    weight: destination.weight,
    ...operations,
    ...(destination.hidesClient
      ? { requestHeadersToRemove: [...(operations?.requestHeadersToRemove ?? []), CLIENT_CERTIFICATE] }
      : {}),
    ...(authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: "hostRewriteLiteral" as const, value: authority } }),
    ...(destination.isSniffed ? { typedPerFilterConfig: sniffedAlpnRouteConfig() } : {}),
  };
}

function hashPolicy(hash: ConsistentHash): HashPolicyInit[] {
  if (hash.httpHeaderName !== undefined) {
    return [{ policySpecifier: { case: "header", value: { headerName: hash.httpHeaderName } } }];
  }
  if (hash.httpCookie !== undefined) {
    const { name, path = "", ttl, attributes = [] } = hash.httpCookie;
    const value = {
      name,
      path,
      ...(ttl === undefined ? {} : { ttl: durationMessage(ttl) }),
      attributes: attributes.map((attribute) => ({ name: attribute.name, value: attribute.value ?? "" })),
    };
    return [{ policySpecifier: { case: "cookie", value } }];
  }
  if (hash.useSourceIp) {
    return [{ policySpecifier: { case: "connectionProperties", value: { sourceIp: true } } }];
  }
  if (hash.httpQueryParameterName !== undefined) {
    return [{ policySpecifier: { case: "queryParameter", value: { name: hash.httpQueryParameterName } } }];
  }
  return [];
}
