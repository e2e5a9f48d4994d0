// The route configurations of sidecars and gateways. A port's table is a sidecar's largest resource: it is put
// together from fragments, and settling which virtual host keeps which name is redone only when names change.

import { PASSTHROUGH_CLUSTER } from "../core/cluster-name.ts";
import { DENIAL_HEADER } from "../envoy/authorization/denial-header.ts";
import { haveEqualHashes, joinParts, partOf, type ResourcePart } from "../envoy/fragment.ts";
import { buildInboundRoutes } from "../envoy/route/inbound-routes.ts";
import { buildRouteConfigurationHeader, buildVirtualHost } from "../envoy/route/route-configuration.ts";
import {
  catchAllPart,
  provenanceOf,
  routeConfigurationHead,
  virtualHostsFragment,
} from "../envoy/route/route-fragments.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClientScope, MESH_SCOPE } from "../view/client-scope.ts";
import type { GatewayRouteInputs } from "../view/gateway/gateway-routes.ts";
import type { GatewayView } from "../view/gateway/gateway-views.ts";
import type { InboundView } from "../view/inbound.ts";
import { layerKey, splitLayerKey, workloadLayer } from "../view/layer-id.ts";
import {
  declareSettledNames,
  pageKey,
  type ScopePort,
  type Settled,
  type SettledNames,
  type SettledPort,
  spelledPageKey,
} from "../view/settled-names.ts";
import type { Views } from "../view/views.ts";
import { assembleResource, type BuiltResource, buildResource } from "./built-resource.ts";
import {
  declareVirtualHostBodies,
  declareVirtualHostPages,
  type VirtualHostBodies,
} from "./encoded-pages.ts";
import { declarePageBundles } from "./page-bundles.ts";
import { equalRows, present, type ResourceRow, type ResourceTable } from "./resource-row.ts";

export function declareRouteResources(graph: Graph, views: Views): ResourceTable {
  const names = declareSettledNames(graph, views);
  const bodies = declareVirtualHostBodies(graph, views);
  const pages = declareVirtualHostPages(graph, bodies, names);
  const ofPorts = declarePortRoutes(graph, views, { bodies, names, pages });
  const ofServices = declareServiceRoutes(graph, { bodies, names });
  const ofGateways = graph.derive<GatewayView, ResourceRow>({
    name: "gateway route resources",
    from: views.gateways,
    equal: equalRows,
    rows: (id, { routes }) =>
      routes.map(
        (inputs) =>
          [layerKey(workloadLayer(id), inputs.name), present(gatewayRouteResource(inputs))] as const,
      ),
  });
  const inbound = graph.derive<InboundView, ResourceRow>({
    name: "inbound route resources",
    from: views.inbound,
    equal: equalRows,
    rows: (id, { listener, retries }) =>
      buildInboundRoutes(listener, retries).map((message) => {
        const { name = "" } = message;
        const resource = buildResource(RouteConfigurationSchema, message, { name });
        return [layerKey(workloadLayer(id), name), present(resource)] as const;
      }),
  });
  return graph.union("route resources", [ofPorts, ofServices, ofGateways, inbound]);
}

interface Parts {
  readonly bodies: VirtualHostBodies;
  readonly names: SettledNames;
}

/** One row for each client scope and port that has HTTP. */
function declarePortRoutes(
  graph: Graph,
  views: Views,
  { bodies, names, pages }: Parts & { readonly pages: Table<ResourcePart> },
): ResourceTable {
  const coverPages = declarePageBundles(graph, pages, names);
  const catchAll = graph.deriveOne<ResourcePart>({
    name: "catch-all virtual host",
    equal: haveEqualHashes,
    value: (read) =>
      catchAllPart(read.one(views.model.settings).allowsUnknownHosts ? PASSTHROUGH_CLUSTER : undefined),
  });
  const heads = graph.derive<readonly string[], ResourcePart>({
    name: "heads of port routes",
    from: names.pagesOfPorts,
    equal: haveEqualHashes,
    rows: (port) => [[port, routeConfigurationHead(port)]],
  });
  // Apart from the pages, so that a change of these encodes nothing.
  const ownParts = graph.derive<SettledPort, ResourcePart>({
    name: "virtual hosts of port routes that are on no page",
    from: names.ofPorts,
    equal: haveEqualHashes,
    rows: (key, { hosts }, read) =>
      hosts.length === 0 ? [] : [[key, joinParts(hostParts(hosts, bodies, read))]],
  });
  const pagesFor = (port: string, client: ClientScope, broken: readonly string[], read: Read) => {
    const { domain, families } = client;
    const near = broken.includes(domain)
      ? undefined
      : read.get(pages, spelledPageKey(pageKey(port, domain), `near ${families}`));
    const without = near === undefined ? broken : [...broken, domain];
    return [...coverPages({ port, families, without }, read), ...(near === undefined ? [] : [near])];
  };
  return graph.derive<ScopePort, ResourceRow>({
    name: "port route resources",
    from: names.scopePorts,
    equal: equalRows,
    rows: (key, { scope, port }, read) => {
      const broken = read.get(names.ofPorts, key)?.broken ?? [];
      const own = read.get(ownParts, key);
      const client = read.get(views.scopes.table, scope) ?? MESH_SCOPE;
      const parts = [
        read.get(heads, port) ?? routeConfigurationHead(port),
        ...(client.imports === undefined ? pagesFor(port, client, broken, read) : []),
        ...(own === undefined ? [] : [own]),
        read.one(catchAll),
      ];
      return [[key, present(assembleResource(port, parts))]];
    },
  });
}

/** Tables of one service each, for the listeners of its own addresses: all that comes there is its own. */
function declareServiceRoutes(graph: Graph, { bodies, names }: Parts): ResourceTable {
  return graph.derive<Settled, ResourceRow>({
    name: "service route resources",
    from: names.ofServices,
    equal: equalRows,
    rows: (key, settled, read) => [
      [key, present(assemble(splitLayerKey(key).name, hostParts(settled, bodies, read)))],
    ],
  });
}

function hostParts(settled: Settled, bodies: VirtualHostBodies, read: Read): readonly ResourcePart[] {
  return settled.flatMap(([key, domains]) => {
    const body = read.get(bodies, key);
    if (body === undefined) return [];
    const { fragment, needs, provenance } = body;
    return partOf({ fragment: virtualHostsFragment([{ body: fragment, domains }]), needs, provenance });
  });
}

function assemble(routeName: string, parts: readonly ResourcePart[]): BuiltResource {
  return assembleResource(routeName, [routeConfigurationHead(routeName), ...parts]);
}

function gatewayRouteResource({ name, virtualHosts }: GatewayRouteInputs): BuiltResource {
  const routes = virtualHosts.flatMap((host) => host.routes);
  const message = {
    ...buildRouteConfigurationHeader(name),
    // What policies a workload has is no stranger's business; a gateway's own refusals are past this.
    responseHeadersToRemove: [DENIAL_HEADER],
    virtualHosts: virtualHosts.map((host) => ({ ...buildVirtualHost(host), domains: [...host.domains] })),
  };
  return buildResource(RouteConfigurationSchema, message, {
    name,
    provenance: provenanceOf(routes),
  });
}
