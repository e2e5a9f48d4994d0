// The listener that takes all that sidecars send, one for each choice of IP families. Rows by layer and name.

import { IP_FAMILIES } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { Model } from "../model/model.ts";
import { layerKey, sidecarLayer } from "./layer-id.ts";
import type { VirtualOutboundInputs } from "./listener-inputs.ts";
import { clientSettings } from "./outbound-listeners.ts";
import { otherwiseCluster } from "./port-chains.ts";
import type { Scoped } from "./scoped-rows.ts";

const VIRTUAL_OUTBOUND = "virtualOutbound";

export function declareVirtualOutbound(graph: Graph, model: Model): Table<Scoped<VirtualOutboundInputs>> {
  return graph.derive({
    name: "virtualOutbound",
    from: model.settings,
    rows: (_key, settings, read) =>
      IP_FAMILIES.map((families) => {
        const inputs: VirtualOutboundInputs = {
          name: VIRTUAL_OUTBOUND,
          port: settings.outboundPort,
          otherwise: otherwiseCluster(settings),
          families,
          ...clientSettings(read, model),
        };
        const key = layerKey(sidecarLayer(families), VIRTUAL_OUTBOUND);
        return [key, { kind: "present" as const, inputs }] as const;
      }),
  });
}
