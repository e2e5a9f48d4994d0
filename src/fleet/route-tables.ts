// The route configurations of sidecars and gateways. A port's table is a sidecar's largest resource: it is put
// together from fragments, and settling which virtual host keeps which name is redone only when names change.

import { PASSTHROUGH_CLUSTER } from "../core/cluster-name.ts";
import { buildRouteConfigurationHeader, buildVirtualHost } from "../envoy/route/route-configuration.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import type { GatewayRouteInputs } from "../view/gateway-routes.ts";
import type { GatewayView } from "../view/gateway-views.ts";
import type { RouteInputs } from "../view/route-inputs.ts";
import { layerKey, type Scoped, splitLayerKey } from "../view/scoped-rows.ts";
import type { Views } from "../view/views.ts";
import type { SidecarVirtualHost } from "../view/virtual-hosts.ts";
import type { ResourceReference } from "../xds/resource.ts";
import { assembleResource, type BuiltResource, buildResource, type Fragment } from "./built-resource.ts";
import { equalRows, present, type ResourceRow, type ResourceTable, workloadLayer } from "./resource-row.ts";
import {
  catchAllFragment,
  routeConfigurationHead,
  virtualHostBody,
  virtualHostFragments,
} from "./route-fragments.ts";
import { declareSettledNames, type SettledNames } from "./settled-names.ts";

export function declareRouteResources(graph: Graph, views: Views): ResourceTable {
  const bodies = declareBodies(graph, views);
  const byRoute = graph.index(bodies, "virtual host bodies by route configuration", ({ routeName }, key) => [
    layerKey(splitLayerKey(key).layer, routeName),
  ]);
  const groups = graph.group("virtual host bodies of route configurations", byRoute);
  const names = declareSettledNames(graph, views);
  const ofPorts = declarePortRoutes(graph, views, { groups, names });
  const ofServices = declareServiceRoutes(graph, views, { groups, names });
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
  return graph.union("route resources", [ofPorts, ofServices, ofGateways]);
}

interface Body {
  readonly routeName: string;
  /** Undefined where a scope has no such virtual host, though the mesh has. */
  readonly fragment: Fragment | undefined;
  readonly needs: readonly ResourceReference[];
  readonly source: BuiltResource["source"];
}

type BodyGroups = Table<readonly Row<Body>[]>;

interface Parts {
  readonly groups: BodyGroups;
  readonly names: SettledNames;
}

/** Rows by the virtual host's own key. */
function declareBodies(graph: Graph, views: Views): Table<Body> {
  return graph.derive<Scoped<SidecarVirtualHost>, Body>({
    name: "virtual host bodies",
    from: views.virtualHosts.table,
    equal: (a, b) => a.routeName === b.routeName && a.fragment?.hash === b.fragment?.hash,
    rows: (key, row) => [[key, bodyOf(key, row)]],
  });
}

function bodyOf(key: string, row: Scoped<SidecarVirtualHost>): Body {
  if (row.kind === "absent") {
    const { name } = splitLayerKey(key);
    return { routeName: name.slice(0, name.indexOf(" ")), fragment: undefined, needs: [], source: [] };
  }
  const { routeName, routes } = row.inputs;
  return {
    routeName,
    fragment: virtualHostBody(row.inputs),
    needs: clustersOf(routes),
    source: sourcesOf(routes),
  };
}

/** One row for each client scope and port that has HTTP. */
function declarePortRoutes(graph: Graph, views: Views, { groups, names }: Parts): ResourceTable {
  return graph.derive<{ readonly scope: string; readonly port: string }, ResourceRow>({
    name: "port route resources",
    from: names.scopePorts,
    equal: equalRows,
    rows: (key, { scope, port }, read) => {
      const bodies = new Map<string, Body>();
      for (const layer of ["", scope]) {
        for (const [row, body] of read.get(groups, layerKey(layer, port)) ?? [])
          bodies.set(splitLayerKey(row).name, body);
      }
      const settled = read.get(names.ofPorts, key) ?? [];
      const isOpen = read.one(views.model.settings).allowsUnknownHosts;
      return [[key, present(assemble(port, settled, bodies, isOpen))]];
    },
  });
}

/** Tables of one service each, for the listeners of its own addresses. */
function declareServiceRoutes(graph: Graph, views: Views, { groups, names }: Parts): ResourceTable {
  return graph.derive<readonly Row<Body>[], ResourceRow>({
    name: "service route resources",
    from: groups,
    equal: equalRows,
    rows: (key, rows, read) => {
      const routeName = splitLayerKey(key).name;
      const settled = read.get(names.ofServices, key);
      if (settled === undefined) return [];
      const bodies = new Map(rows.map(([row, body]) => [splitLayerKey(row).name, body] as const));
      const isOpen = read.one(views.model.settings).allowsUnknownHosts;
      return [[key, present(assemble(routeName, settled, bodies, isOpen))]];
    },
  });
}

/** `settled`: virtual hosts in order, each with the domains left to it. */
function assemble(
  routeName: string,
  settled: readonly (readonly [string, readonly string[]])[],
  bodies: ReadonlyMap<string, Body>,
  isOpen: boolean,
): BuiltResource {
  const fragments = [routeConfigurationHead(routeName)];
  const needs: ResourceReference[] = [];
  for (const [name, domains] of settled) {
    const body = bodies.get(name);
    if (body?.fragment === undefined) continue;
    fragments.push(...virtualHostFragments(body.fragment, domains));
    needs.push(...body.needs);
  }
  fragments.push(catchAllFragment(isOpen ? PASSTHROUGH_CLUSTER : undefined));
  const source = [...bodies.values()].flatMap((body) => body.source);
  return assembleResource(fragments, { name: routeName, needs, source });
}

function gatewayRouteResource({ name, virtualHosts }: GatewayRouteInputs): BuiltResource {
  const routes = virtualHosts.flatMap((host) => host.routes);
  const message = {
    ...buildRouteConfigurationHeader(name),
    virtualHosts: virtualHosts.map((host) => ({ ...buildVirtualHost(host), domains: [...host.domains] })),
  };
  return buildResource(RouteConfigurationSchema, message, {
    name,
    needs: clustersOf(routes),
    source: sourcesOf(routes),
  });
}

function clustersOf(routes: readonly RouteInputs[]): readonly ResourceReference[] {
  const names = routes.flatMap(({ destinations, mirrors }) =>
    [...destinations, ...mirrors].map(({ cluster }) => cluster),
  );
  return [...new Set(names)].map((name) => ({ type: "cluster", name }));
}

function sourcesOf(routes: readonly RouteInputs[]): BuiltResource["source"] {
  return routes.flatMap(({ source }) => source);
}
