// What fills the slots for policies in listeners, in layers of what proxies share: the policies that are for them. A
// slot in which nothing is to be done does nothing, since one that is gone would refuse all traffic; and one that can't
// be filled is filled by no other layer, since that would let everybody in.

import { buildAuthorizationSlots } from "../envoy/authorization/policy-slots.ts";
import { buildHttpSlot, type ExtensionConfigInit } from "../envoy/policy-slot/http-slot.ts";
import { buildTokenConcealment } from "../envoy/request-authentication/concealed-tokens.ts";
import { buildRequestAuthentication } from "../envoy/request-authentication/request-authentication.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import { policyLayer } from "../view/layer-id.ts";
import type { Policies, PolicyInputs, PolicyName } from "../view/policies.ts";
import type { PolicyRow } from "../view/policy-sets.ts";
import { layerKey } from "../view/scoped-rows.ts";
import { buildResource } from "./built-resource.ts";
import { equalRows, present, type ResourceRow, type ResourceTable } from "./resource-row.ts";

type SlotBuilders = {
  readonly [Name in PolicyName]: (inputs: PolicyInputs<Name>) => readonly ExtensionConfigInit[];
};

/** What fills the slots of each policy. */
const slotBuilders: SlotBuilders = {
  authorization: buildAuthorizationSlots,
  requestAuthentication: (inputs) => [
    buildHttpSlot("token-concealment", buildTokenConcealment(inputs)),
    buildHttpSlot("jwt", buildRequestAuthentication(inputs)),
  ],
};

export function declarePolicySlotResources(graph: Graph, policies: Policies): ResourceTable {
  const names = Object.keys(slotBuilders) as readonly PolicyName[];
  return graph.union(
    "policy slot resources",
    names.map((name) => declareSlots(graph, policies, name)),
  );
}

function declareSlots<Name extends PolicyName>(graph: Graph, policies: Policies, name: Name): ResourceTable {
  const build = slotBuilders[name];
  return graph.derive<PolicyRow<PolicyInputs<Name>>, ResourceRow>({
    name: `${name} slot resources`,
    from: policies[name].table as Table<PolicyRow<PolicyInputs<Name>>>,
    equal: equalRows,
    rows: (id, { inputs, provenance }) =>
      build(inputs).map((message) => {
        const { name: slot = "" } = message;
        const resource = buildResource(TypedExtensionConfigSchema, message, { name: slot, provenance });
        return [layerKey(policyLayer(name, id), slot), present(resource)] as const;
      }),
  });
}
