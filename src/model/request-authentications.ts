// What RequestAuthentications ask of the mesh: the keys of their issuers. Those that hold for a workload add up: a token of
// any of their issuers is accepted.

import type { Graph } from "../graph/graph.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { type RequestAuthentication, requestAuthenticationKind } from "../kinds/request-authentication.ts";
import type { EnforcedPolicies } from "./enforced-policies.ts";
import { declareIssuerKeys, type IssuerKeyTables } from "./issuer-keys.ts";
import { policyChoiceFields } from "./workload-policies.ts";

export const requestAuthenticationChoiceFields: readonly ClaimedField[] = [
  ...claims(requestAuthenticationKind, "spec", [
    ...policyChoiceFields,
    ...(["jwtRules[].jwks", "jwtRules[].jwksUri", "jwtRules[].timeout"] as const),
  ]),
];

export interface RequestAuthentications {
  readonly issuerKeys: IssuerKeyTables;
}

export function declareRequestAuthentications(
  graph: Graph,
  { table }: EnforcedPolicies<RequestAuthentication>,
): RequestAuthentications {
  return { issuerKeys: declareIssuerKeys(graph, table) };
}
