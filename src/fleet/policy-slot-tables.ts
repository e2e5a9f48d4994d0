// What fills the slots for policies in listeners. Each slot that a listener names is always there: where nothing applies
// it does nothing, since a slot that is gone would refuse all traffic.

import { buildHttpSlot, type ExtensionConfigInit, httpPolicySlots } from "../envoy/policy-slot/http-slot.ts";
import { buildNetworkSlot, networkPolicySlots } from "../envoy/policy-slot/network-slot.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import type { Graph } from "../graph/graph.ts";
import { layerKey } from "../view/scoped-rows.ts";
import type { Views } from "../view/views.ts";
import { buildResource } from "./built-resource.ts";
import { EVERY_PROXY_LAYER, equalRows, present, type ResourceTable } from "./resource-row.ts";

export function declarePolicySlotResources(graph: Graph, views: Views): ResourceTable {
  return graph.derive({
    name: "empty policy slot resources",
    from: views.model.settings,
    equal: equalRows,
    rows: () => [
      ...httpPolicySlots.map((slot) => emptySlot(buildHttpSlot(slot, []))),
      ...networkPolicySlots.map((slot) => emptySlot(buildNetworkSlot(slot))),
    ],
  });
}

function emptySlot(message: ExtensionConfigInit) {
  const { name = "" } = message;
  const resource = buildResource(TypedExtensionConfigSchema, message, { name });
  return [layerKey(EVERY_PROXY_LAYER, name), present(resource)] as const;
}
