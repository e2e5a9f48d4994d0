// What stands before gateways, and what they believe of it: the mesh's `gatewayTopology`, and over it what a gateway's
// pod says by its annotation. Pods that say nothing have no row, and have the mesh's.

import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { ProxyConfig, Topology } from "../kinds/mesh-config/proxy-config.ts";
import {
  mergeProxyConfigs,
  PROXY_CONFIG_ANNOTATION,
  parseProxyConfigAnnotation,
} from "../kinds/mesh-config/proxy-config-annotation.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { rowKey, type Sources } from "./sources.ts";

/** By `namespace/name` of the pod. */
export function declareGatewayTopologies(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): Table<Topology> {
  return graph.derive<Pod, Topology>({
    name: "gateway topologies of pods",
    from: sources.Pod,
    rows(_key, { metadata: { namespace, name, annotations } }, read) {
      const own = topologyIn(annotations?.[PROXY_CONFIG_ANNOTATION]);
      if (own === undefined) return [];
      return [[rowKey(namespace, name), mergeProxyConfigs(read.one(settings).gatewayTopology, own)]];
    },
  });
}

/** A text with faults is no pod's: injection refuses it. */
function topologyIn(text: string | undefined): ProxyConfig["gatewayTopology"] {
  if (text === undefined) return undefined;
  const written = parseProxyConfigAnnotation(text);
  return written.kind === "config" ? written.config.gatewayTopology : undefined;
}
