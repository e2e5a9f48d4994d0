// What fills the slots for policies in listeners, in layers of what proxies share: the policies that are for them. A
// slot in which nothing is to be done does nothing, since one that is gone would refuse all traffic; and one that can't
// be filled is filled by no other layer, since that would let everybody in.

import { externalAuthorizationFields } from "../envoy/authorization/external-authorization.ts";
import { operationFields } from "../envoy/authorization/operations.ts";
import { buildAuthorizationSlots } from "../envoy/authorization/policy-slots.ts";
import { conditionFields } from "../envoy/authorization/rule.ts";
import { sourceFields } from "../envoy/authorization/sources.ts";
import type { ExtensionConfigInit } from "../envoy/policy-slot/http-slot.ts";
import { buildPolicySlots } from "../envoy/policy-slot/policy-slots.ts";
import { buildTokenConcealment } from "../envoy/request-authentication/concealed-tokens.ts";
import {
  buildRequestAuthentication,
  requestAuthenticationFields,
} from "../envoy/request-authentication/request-authentication.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { EnforcedKind } from "../kinds/all-kinds.ts";
import type { ClaimedField } from "../kinds/claims.ts";
import { layerKey, policyLayer } from "../view/layer-id.ts";
import type { Policies, PolicyInputs } from "../view/policies.ts";
import type { PolicyRow } from "../view/policy-sets.ts";
import { buildResource } from "./built-resource.ts";
import { equalRowsOfEqualSource, present, type ResourceRow, type ResourceTable } from "./resource-row.ts";

interface PolicyFeature<Inputs> {
  /** Paths of the API fields that the filters implement. */
  readonly fields: readonly ClaimedField[];
  /** What fills the kind's slots. */
  readonly build: (inputs: Inputs) => readonly ExtensionConfigInit[];
}

type PolicyFeatures = { readonly [K in EnforcedKind]: PolicyFeature<PolicyInputs<K>> };

/** It doesn't compile for an enforced kind that is left out. */
const policyFeatures: PolicyFeatures = {
  AuthorizationPolicy: {
    fields: [...conditionFields, ...externalAuthorizationFields, ...operationFields, ...sourceFields],
    build: buildAuthorizationSlots,
  },
  RequestAuthentication: {
    fields: requestAuthenticationFields,
    build: (inputs) =>
      buildPolicySlots("RequestAuthentication", {
        http: { "token-concealment": buildTokenConcealment(inputs), jwt: buildRequestAuthentication(inputs) },
      }),
  },
};

export const policyFeatureFields: readonly ClaimedField[] = Object.values(policyFeatures).flatMap(
  ({ fields }) => fields,
);

export function declarePolicySlotResources(graph: Graph, policies: Policies): ResourceTable {
  const kinds = Object.keys(policyFeatures) as readonly EnforcedKind[];
  return graph.union(
    "policy slot resources",
    kinds.map((kind) => declareSlots(graph, policies, kind)),
  );
}

function declareSlots<K extends EnforcedKind>(graph: Graph, policies: Policies, kind: K): ResourceTable {
  const { build } = policyFeatures[kind];
  return graph.derive<PolicyRow<PolicyInputs<K>>, ResourceRow>({
    name: `${kind} slot resources`,
    from: policies[kind].table as Table<PolicyRow<PolicyInputs<K>>>,
    equal: equalRowsOfEqualSource,
    rows: (id, { inputs, provenance }) =>
      build(inputs).map((message) => {
        const { name = "" } = message;
        const resource = buildResource(TypedExtensionConfigSchema, message, { name, provenance });
        return [layerKey(policyLayer(kind, id), name), present(resource)] as const;
      }),
  });
}
