// VirtualServices with their names resolved and their delegates merged in, found by the hosts they speak of.

import { qualifyHostname } from "../core/hostname.ts";
import type { ObjectKey } from "../core/object-key.ts";
import { objectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import type { TcpRoute, TlsRoute } from "../kinds/virtual-service/tcp-route.ts";
import { type VirtualService, virtualServiceKind } from "../kinds/virtual-service/virtual-service.ts";
import type { Client } from "./client.ts";
import { type HttpRule, mergeDelegates } from "./delegates.ts";
import { MESH_GATEWAY, qualifyGateway } from "./gateway-name.ts";
import { declareNestedHostTable, type NestedHostTable } from "./host-table.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { byAge } from "./service.ts";
import type { Sources } from "./sources.ts";
import { isVisibleTo, resolveVisibility, type Visibility } from "./visibility.ts";

export const hostRouteFields: readonly ClaimedField[] = [
  ...claims(virtualServiceKind, [
    "spec.hosts",
    "spec.gateways",
    "spec.exportTo",
    "spec.http[].name",
    "spec.http[].delegate.name",
    "spec.http[].delegate.namespace",
  ]),
  ...claims(virtualServiceKind, "spec.http[].match[]", [
    "name",
    "port",
    "gateways",
    "sourceLabels.*",
    "sourceNamespace",
  ]),
  ...claims(virtualServiceKind, "spec.tcp[]", [
    "match[].destinationSubnets",
    "match[].port",
    "match[].sourceLabels.*",
    "match[].gateways",
    "match[].sourceNamespace",
    "route[].destination.host",
    "route[].destination.subset",
    "route[].destination.port.number",
    "route[].weight",
  ]),
  ...claims(virtualServiceKind, "spec.tls[]", [
    "match[].sniHosts",
    "match[].destinationSubnets",
    "match[].port",
    "match[].sourceLabels.*",
    "match[].gateways",
    "match[].sourceNamespace",
    "route[].destination.host",
    "route[].destination.subset",
    "route[].destination.port.number",
    "route[].weight",
  ]),
  ...claims(meshConfigKind, ["spec.defaultVirtualServiceExportTo"]),
];

export interface HostRoutes {
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string;
  /** Qualified, in the order written, lower case. */
  readonly hosts: readonly string[];
  /** `mesh` or `namespace/name`. */
  readonly gateways: readonly string[];
  readonly visibility: Visibility;
  readonly http: readonly HttpRule[];
  readonly tcp: readonly TcpRoute[];
  readonly tls: readonly TlsRoute[];
  readonly object: ObjectKey;
}

/**
 * Whose rules come first for a client, as in Istio: those of its namespace that aren't for all, then those that name
 * that in `exportTo`, then those for all; of equals the oldest.
 */
export function byNearness(client: Pick<Client, "isIn">): (one: HostRoutes, other: HostRoutes) => number {
  return (one, other) => distance(one, client) - distance(other, client) || byAge(one, other);
}

/** 0 to 2; the client sees the routes. */
export function distance(
  { namespace: own, visibility }: Pick<HostRoutes, "namespace" | "visibility">,
  client: Pick<Client, "isIn">,
): number {
  if (visibility === "public") return 2;
  return client.isIn(own) ? 0 : 1;
}

export interface HostRoutesTable {
  readonly table: Table<HostRoutes>;
  /** Those bound to sidecars. */
  readonly ofSidecars: NestedHostTable<HostRoutes>;
  readonly byGateway: Index<HostRoutes>;
}

export function declareHostRoutes(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): HostRoutesTable {
  const table = graph.derive<VirtualService, HostRoutes>({
    name: "host routes",
    from: sources.VirtualService,
    *rows(key, service, read) {
      // One without hosts is a delegate: it speaks through the VirtualService that names it.
      if ((service.spec.hosts ?? []).length > 0)
        yield [key, hostRoutes(service, sources, read, read.one(settings))];
    },
  });
  return {
    table,
    ofSidecars: declareNestedHostTable(graph, table, {
      name: "host routes of sidecars by host",
      hostsOf: ({ gateways, hosts }) => (gateways.includes(MESH_GATEWAY) ? hosts : []),
    }),
    byGateway: graph.index(
      table,
      "host routes by gateway",
      ({ gateways }) => new Set(gateways.filter((gateway) => gateway !== MESH_GATEWAY)),
    ),
  };
}

function hostRoutes(
  service: VirtualService,
  sources: Sources,
  read: Read,
  settings: MeshSettings,
): HostRoutes {
  const { namespace, name, creationTimestamp } = service.metadata;
  const { spec } = service;
  const http = mergeDelegates(service, {
    clusterDomain: settings.clusterDomain,
    find: (key) => {
      const delegate = read.get(sources.VirtualService, key);
      return delegate !== undefined && isExportedTo(delegate, namespace, settings) ? delegate : undefined;
    },
  });
  return {
    namespace,
    name,
    createdAt: creationTimestamp ?? "",
    hosts: (spec.hosts ?? []).map((host) => qualifyHostname(host, namespace, settings.clusterDomain)),
    gateways: (spec.gateways ?? [MESH_GATEWAY]).map((gateway) => qualifyGateway(gateway, namespace)),
    visibility: resolveVisibility(spec.exportTo, namespace, settings.defaultExportTo.virtualService),
    http,
    tcp: spec.tcp ?? [],
    tls: spec.tls ?? [],
    object: objectKey({ kind: "VirtualService", namespace, name }),
  };
}

/** A delegate speaks through its root, so it's the root's namespace that must see it. */
export function isExportedTo(
  { metadata, spec }: VirtualService,
  namespace: string,
  { defaultExportTo }: MeshSettings,
): boolean {
  const visibility = resolveVisibility(spec.exportTo, metadata.namespace, defaultExportTo.virtualService);
  return isVisibleTo(visibility, namespace);
}
