// Which RequestAuthentications hold for a workload. Unlike PeerAuthentications they add up: a token of any of their
// issuers is accepted.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { type RequestAuthentication, requestAuthenticationKind } from "../kinds/request-authentication.ts";
import { declareIssuerKeys, type IssuerKeyTables } from "./issuer-keys.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { rowKey, type Sources } from "./sources.ts";
import {
  declareWorkloadPolicies,
  policiesOf,
  type Workload,
  type WorkloadPolicies,
} from "./workload-policies.ts";

export const requestAuthenticationChoiceFields: readonly ClaimedField[] = [
  ...claims(requestAuthenticationKind, "spec", [
    "selector.matchLabels.*",
    ...(["targetRef.group", "targetRef.kind", "targetRef.name", "targetRef.namespace"] as const),
    ...(["targetRefs[].group", "targetRefs[].kind", "targetRefs[].name", "targetRefs[].namespace"] as const),
    ...(["jwtRules[].jwks", "jwtRules[].jwksUri", "jwtRules[].timeout"] as const),
  ]),
];

export interface RequestAuthentications {
  readonly policies: WorkloadPolicies<RequestAuthentication>;
  readonly issuerKeys: IssuerKeyTables;
}

export function declareRequestAuthentications(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): RequestAuthentications {
  const policies = declareWorkloadPolicies<RequestAuthentication>(graph, settings, {
    name: "RequestAuthentication",
    table: sources.RequestAuthentication,
    choiceOf: ({ spec }) => ({
      labels: spec?.selector?.matchLabels,
      targets: [...(spec?.targetRef === undefined ? [] : [spec.targetRef]), ...(spec?.targetRefs ?? [])],
    }),
    rootLabelsChooseFrom: "every namespace",
  });
  return { policies, issuerKeys: declareIssuerKeys(graph, sources.RequestAuthentication) };
}

/** Row keys of those that hold, in Istio's order: the root namespace's, then the workload's own, each oldest first. */
export function requestAuthenticationsOf(
  read: Read,
  { policies }: RequestAuthentications,
  workload: Workload,
): readonly string[] {
  const { rootNamespace } = read.one(policies.settings);
  const found = policiesOf(read, policies, workload);
  const keys = [...found.mesh, ...found.namespace, ...found.workload].map(({ metadata }) =>
    rowKey(metadata.namespace, metadata.name),
  );
  const isOfRoot = (key: string) => key.startsWith(`${rootNamespace}/`);
  return [...keys.filter(isOfRoot), ...keys.filter((key) => !isOfRoot(key))];
}
