// What fills the slots for policies in listeners, in layers of what proxies share: the policies that are for them. A
// slot in which nothing is to be done does nothing, since one that is gone would refuse all traffic; and one that can't
// be filled is filled by no other layer, since that would let everybody in.

import { buildAuthorizationSlots } from "../envoy/authorization/policy-slots.ts";
import { buildHttpSlot, type ExtensionConfigInit } from "../envoy/policy-slot/http-slot.ts";
import { buildRequestAuthentication } from "../envoy/request-authentication/request-authentication.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { Graph } from "../graph/graph.ts";
import type { AuthorizationRow } from "../view/authorization.ts";
import type { Provenance } from "../view/provenance.ts";
import type { RequestAuthenticationRow } from "../view/request-authentication.ts";
import { layerKey } from "../view/scoped-rows.ts";
import type { Views } from "../view/views.ts";
import { buildResource } from "./built-resource.ts";
import {
  authorizationLayer,
  equalRows,
  present,
  type ResourceRow,
  type ResourceTable,
  requestAuthenticationLayer,
} from "./resource-row.ts";

export function declarePolicySlotResources(graph: Graph, views: Views): ResourceTable {
  const authorization = graph.derive<AuthorizationRow, ResourceRow>({
    name: "authorization slot resources",
    from: views.authorizations.table,
    equal: equalRows,
    rows: (id, { inputs, source }) =>
      buildAuthorizationSlots(inputs).map((slot) => slotRow(authorizationLayer(id), slot, source)),
  });
  const requestAuthentication = graph.derive<RequestAuthenticationRow, ResourceRow>({
    name: "request authentication slot resources",
    from: views.requestAuthentications.table,
    equal: equalRows,
    rows(id, { inputs, source }) {
      const slot = buildHttpSlot("jwt", buildRequestAuthentication(inputs));
      return [slotRow(requestAuthenticationLayer(id), slot, source)];
    },
  });
  return graph.union("policy slot resources", [authorization, requestAuthentication]);
}

function slotRow(layer: string, message: ExtensionConfigInit, source: Provenance) {
  const { name = "" } = message;
  const resource = buildResource(TypedExtensionConfigSchema, message, { name, source });
  return [layerKey(layer, name), present(resource)] as const;
}
