// The encoded resources of the whole mesh, in layers: the mesh's, a client scope's, a workload's. Each row follows
// from the inputs of one builder, and is encoded when those change and never otherwise.

import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  PASSTHROUGH_CLUSTER,
} from "../core/cluster-name.ts";
import { IP_FAMILIES } from "../core/ip-families.ts";
import {
  buildBlackHoleCluster,
  buildInboundPassthroughCluster,
  buildPassthroughCluster,
} from "../envoy/cluster/fixed-clusters.ts";
import { buildInboundCluster } from "../envoy/cluster/inbound-cluster.ts";
import { buildOutboundCluster } from "../envoy/cluster/outbound-cluster.ts";
import { buildLoadAssignment } from "../envoy/endpoint/load-assignment.ts";
import { fragment, partOf } from "../envoy/fragment.ts";
import { buildGatewayListener } from "../envoy/listener/gateway-listener.ts";
import { buildOutboundListener } from "../envoy/listener/outbound-listener.ts";
import { buildVirtualInbound } from "../envoy/listener/virtual-inbound.ts";
import { buildVirtualOutbound } from "../envoy/listener/virtual-outbound.ts";
import { encodeNameTable } from "../envoy/name-table/name-table.ts";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { EndpointInputs, OutboundClusterInputs } from "../view/cluster-inputs.ts";
import type { GatewayView } from "../view/gateway/gateway-views.ts";
import type { InboundView } from "../view/inbound.ts";
import { asLayerId, EVERY_PROXY_LAYER, layerKey, sidecarLayer, workloadLayer } from "../view/layer-id.ts";
import type {
  GatewayListenerInputs,
  OutboundListenerInputs,
  VirtualOutboundInputs,
} from "../view/listener-inputs.ts";
import type { LayeredType } from "../view/profile.ts";
import type { Scoped } from "../view/scoped-rows.ts";
import type { Views } from "../view/views.ts";
import { assembleResource, type BuiltResource, buildResource } from "./built-resource.ts";
import { declarePolicySlotResources } from "./policy-slot-tables.ts";
import {
  ABSENT,
  equalRows,
  equalRowsOfEqualSource,
  present,
  type ResourceRow,
  type ResourceTable,
} from "./resource-row.ts";
import { declareRouteResources } from "./route-tables.ts";
import { declareSecretResources } from "./secret-tables.ts";

/** Rows by layer and name, a table for each type. */
export type ResourceTables = Readonly<Record<LayeredType, ResourceTable>>;

export function declareResourceTables(graph: Graph, views: Views): ResourceTables {
  return {
    cluster: declareClusters(graph, views),
    endpoint: declareEndpoints(graph, views),
    "extension-config": declarePolicySlotResources(graph, views.policies),
    listener: declareListeners(graph, views),
    route: declareRouteResources(graph, views),
    secret: declareSecretResources(graph, views),
    "name-table": declareNameTableResources(graph, views),
  };
}

/** One for each client scope: whoever asks wants the whole. */
function declareNameTableResources(graph: Graph, views: Views): ResourceTable {
  return graph.derive({
    name: "name table resources",
    from: views.nameTables,
    equal: equalRows,
    rows(scope, hosts) {
      const part = partOf({ fragment: fragment(encodeNameTable(hosts)), needs: [], provenance: [] });
      return [
        [layerKey(asLayerId(scope), NAME_TABLE), present(assembleResource(NAME_TABLE, [part]))] as const,
      ];
    },
  });
}

// Istio's has no name.
const NAME_TABLE = "name-table";

function declareClusters(graph: Graph, views: Views): ResourceTable {
  const outbound = scopedResources(graph, "outbound cluster resources", views.clusters, clusterResource);
  const inbound = graph.derive<InboundView, ResourceRow>({
    name: "inbound cluster resources",
    from: views.inbound,
    equal: equalRows,
    *rows(id, { clusters }) {
      for (const inputs of clusters) {
        const cluster = buildInboundCluster(inputs);
        const name = cluster.name ?? "";
        yield [
          layerKey(workloadLayer(id), name),
          present(buildResource(ClusterSchema, cluster, { name, provenance: inputs.provenance })),
        ];
      }
    },
  });
  const fixed = graph.derive({
    name: "fixed cluster resources",
    from: views.model.settings,
    equal: equalRows,
    *rows(_key, { connectTimeout }) {
      const clusters = [
        [EVERY_PROXY_LAYER, PASSTHROUGH_CLUSTER, buildPassthroughCluster(connectTimeout)],
        [EVERY_PROXY_LAYER, BLACK_HOLE_CLUSTER, buildBlackHoleCluster(connectTimeout)],
        ...IP_FAMILIES.map(
          (families) =>
            [
              sidecarLayer(families),
              INBOUND_PASSTHROUGH_CLUSTER,
              buildInboundPassthroughCluster(connectTimeout, families),
            ] as const,
        ),
      ] as const;
      for (const [layer, name, cluster] of clusters) {
        yield [layerKey(layer, name), present(buildResource(ClusterSchema, cluster, { name }))] as const;
      }
    },
  });
  return graph.union("cluster resources", [outbound, inbound, fixed]);
}

function declareListeners(graph: Graph, views: Views): ResourceTable {
  const outbound = scopedResources(graph, "outbound listener resources", views.listeners, listenerResource);
  const inbound = graph.derive<InboundView, ResourceRow>({
    name: "inbound listener resources",
    from: views.inbound,
    equal: equalRows,
    *rows(id, { listener, provenance }, read) {
      const message = buildVirtualInbound(listener, read.one(views.model.settings).inboundPort);
      const name = message.name ?? "";
      yield [
        layerKey(workloadLayer(id), name),
        present(buildResource(ListenerSchema, message, { name, provenance })),
      ];
    },
  });
  const gateways = graph.derive<GatewayView, ResourceRow>({
    name: "gateway listener resources",
    from: views.gateways,
    equal: equalRows,
    rows: (id, { listeners }) =>
      listeners.map(
        (inputs) =>
          [layerKey(workloadLayer(id), inputs.name), present(gatewayListenerResource(inputs))] as const,
      ),
  });
  const virtualOutbound = scopedResources(
    graph,
    "virtualOutbound resource",
    views.virtualOutbound,
    virtualOutboundResource,
  );
  return graph.union("listener resources", [outbound, inbound, gateways, virtualOutbound]);
}

function scopedResources<T>(
  graph: Graph,
  name: string,
  from: Table<Scoped<T>>,
  build: (inputs: T) => BuiltResource,
): ResourceTable {
  return graph.derive<Scoped<T>, ResourceRow>({
    name,
    from,
    equal: equalRows,
    rows: (key, row) => [[key, row.kind === "absent" ? ABSENT : present(build(row.inputs))]],
  });
}

function declareEndpoints(graph: Graph, views: Views): ResourceTable {
  return graph.derive<Scoped<EndpointInputs>, ResourceRow>({
    name: "endpoint resources",
    from: views.endpoints,
    equal: equalRowsOfEqualSource,
    rows: (key, row) => [[key, row.kind === "absent" ? ABSENT : present(endpointResource(row.inputs))]],
  });
}

function clusterResource(inputs: OutboundClusterInputs): BuiltResource {
  const { name, provenance } = inputs;
  return buildResource(ClusterSchema, buildOutboundCluster(inputs), { name, provenance });
}

function endpointResource(inputs: EndpointInputs): BuiltResource {
  const { clusterName: name, provenance } = inputs;
  return buildResource(ClusterLoadAssignmentSchema, buildLoadAssignment(inputs), { name, provenance });
}

function virtualOutboundResource(inputs: VirtualOutboundInputs): BuiltResource {
  const { name, provenance } = inputs;
  return buildResource(ListenerSchema, buildVirtualOutbound(inputs), { name, provenance });
}

function listenerResource(inputs: OutboundListenerInputs): BuiltResource {
  const { name, tcp } = inputs;
  const provenance = [...tcp.flatMap((chain) => chain.provenance), ...inputs.provenance];
  return buildResource(ListenerSchema, buildOutboundListener(inputs), { name, provenance });
}

function gatewayListenerResource(inputs: GatewayListenerInputs): BuiltResource {
  const { name, chains } = inputs;
  const provenance = [...chains.flatMap((chain) => chain.provenance), ...inputs.provenance];
  return buildResource(ListenerSchema, buildGatewayListener(inputs), { name, provenance });
}
