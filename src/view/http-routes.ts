// The HTTP rules of VirtualServices as the inputs of routes, for one client and port.

import { outboundClusterName, PASSTHROUGH_CLUSTER } from "../core/cluster-name.ts";
import { qualifyHostname } from "../core/hostname.ts";
import { isSniffed } from "../core/protocol.ts";
import type { Read } from "../graph/read.ts";
import type { Destination, HttpRouteDestination } from "../kinds/virtual-service/destination.ts";
import { takesEveryRequest } from "../kinds/virtual-service/every-request.ts";
import type { HttpRoute } from "../kinds/virtual-service/http-route.ts";
import type { HttpMatchRequest } from "../kinds/virtual-service/matching.ts";
import type { HttpRule } from "../model/delegates.ts";
import { effectivePolicies, type PortPolicy, policyForPort } from "../model/destination-rules.ts";
import { destinationCalled } from "../model/host-owner.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import type { Model } from "../model/model.ts";
import { type MeshService, type MeshServicePort, objectsOfPort } from "../model/service.ts";
import type { ScopeClient } from "./client-questions.ts";
import { isInScope } from "./match-scope.ts";
import type { ResolvedDestination, ResolvedMirror, RouteInputs } from "./route-inputs.ts";

/** Where a request comes in and who sends it. */
export interface RouteContext {
  readonly read: Read;
  readonly model: Model;
  readonly client: ScopeClient;
  /** The port that the client calls, or that the gateway's server names. */
  readonly port: number;
  /** `mesh`, or `namespace/name` of the Gateways that the request may have come in by. */
  readonly gateways: readonly string[];
  /** Of the host that is called; for the names of operations. */
  readonly hostname: string;
  /** By certificates of the mesh alone: a gateway's server that is ISTIO_MUTUAL. */
  readonly hasMeshClients?: boolean;
}

/** The routes of one VirtualService in order; what follows a rule that takes every request is left out. */
export function routesOf(routes: HostRoutes, context: RouteContext): readonly RouteInputs[] {
  const built: RouteInputs[] = [];
  for (const rule of routes.http) {
    for (const match of matchesFor(rule, context)) {
      built.push(routeInputs(rule, match, context));
      if (takesEveryRequest(match)) return built;
    }
  }
  return built;
}

/** The route that a service has without any VirtualService. */
export function defaultRoute(
  service: MeshService,
  port: MeshServicePort,
  context: RouteContext,
): RouteInputs {
  const { defaultRetries } = context.read.one(context.model.settings);
  // The service is known: its host, which may be a single word, isn't resolved as one that a rule writes.
  const target = { hostname: service.hostname, port: port.number, subset: "", service, servicePort: port };
  return {
    name: "default",
    destinations: [resolvedDestination(target, { cluster: outboundClusterName(target), weight: 1 }, context)],
    mirrors: [],
    operation: operationOf(context),
    ...(defaultRetries === undefined ? {} : { defaultRetries }),
    provenance: [{ object: objectsOfPort(service, port.number)[0] }],
  };
}

/** `undefined` among them is a rule without matches: it takes every request. */
function matchesFor(
  { rule, namespace }: HttpRule,
  context: RouteContext,
): readonly (HttpMatchRequest | undefined)[] {
  if (rule.match === undefined || rule.match.length === 0) return [undefined];
  return rule.match.filter((match) => isInScope(match, namespace, context));
}

function routeInputs(
  written: HttpRule,
  match: HttpMatchRequest | undefined,
  context: RouteContext,
): RouteInputs {
  const { rule, namespace, object, path } = written;
  const { defaultRetries } = context.read.one(context.model.settings);
  return {
    name: [rule.name, match?.name].filter((name) => name !== undefined && name !== "").join("."),
    ...(match === undefined ? {} : { match: withoutScope(match) }),
    rule: withoutMatches(rule),
    ...(rule.redirect?.derivePort === "FROM_REQUEST_PORT" ? { requestPort: context.port } : {}),
    destinations: weighted(rule.route ?? [], namespace, context),
    mirrors: mirrorsOf(rule, namespace, context),
    operation: operationOf(context),
    ...(defaultRetries === undefined ? {} : { defaultRetries }),
    provenance: [{ object, path }],
  };
}

/** What chose the route before it was built isn't part of it: two clients that chose alike share its bytes. */
function withoutScope(match: HttpMatchRequest): HttpMatchRequest {
  const {
    port: _port,
    gateways: _gateways,
    sourceLabels: _labels,
    sourceNamespace: _namespace,
    ...rest
  } = match;
  return rest;
}

function withoutMatches({ match: _match, route: _route, ...rule }: HttpRoute): HttpRoute {
  return rule;
}

function operationOf({ hostname, port }: RouteContext): string {
  return `${hostname}:${port}/*`;
}

/** Destinations of weight 0 get nothing, unless there is just one. */
function weighted(
  route: readonly HttpRouteDestination[],
  namespace: string,
  context: RouteContext,
): readonly ResolvedDestination[] {
  const [only] = route;
  if (route.length === 1 && only !== undefined)
    return [resolveDestination({ ...only, weight: 1 }, namespace, context)];
  return route
    .filter(({ weight = 0 }) => weight > 0)
    .map((destination) => resolveDestination(destination, namespace, context));
}

export function resolveDestination(
  { destination, weight = 1, headers }: HttpRouteDestination,
  namespace: string,
  context: RouteContext,
): ResolvedDestination {
  const target = targetOf(destination, namespace, context);
  const cluster = clusterOf(target, destination);
  return resolvedDestination(
    target,
    { cluster, weight, ...(headers === undefined ? {} : { headers }) },
    context,
  );
}

function resolvedDestination(
  target: Target,
  written: Pick<ResolvedDestination, "cluster" | "weight" | "headers">,
  context: RouteContext,
): ResolvedDestination {
  const { loadBalancer, tls } = policyOf(target, context);
  const consistentHash = loadBalancer?.consistentHash;
  // A server that knows nothing of the mesh may refuse the mesh's ALPN.
  const isMeshTls = tls === undefined || tls.mode === "ISTIO_MUTUAL";
  return {
    ...written,
    ...(consistentHash === undefined ? {} : { consistentHash }),
    isSniffed: isMeshTls && target.servicePort !== undefined && isSniffed(target.servicePort.protocol),
    ...(context.hasMeshClients && target.service?.isExternal ? { hidesClient: true } : {}),
  };
}

interface Target {
  readonly hostname: string;
  readonly port: number;
  readonly subset: string;
  readonly service: MeshService | undefined;
  readonly servicePort: MeshServicePort | undefined;
}

function clusterOf(target: Target, { host }: Destination): string {
  return host === PASSTHROUGH_CLUSTER ? host : outboundClusterName(target);
}

/** An ExternalName Service is the one that it stands for; a destination without a port means the service's only port, or the one that was called. */
export function targetOf(destination: Destination, namespace: string, context: RouteContext): Target {
  const { read, model, client } = context;
  const written = qualifyHostname(destination.host, namespace, read.one(model.settings).clusterDomain);
  const service = destinationCalled(written, { read, claims: model.hostClaims, client });
  const hostname = service?.hostname ?? written;
  const [firstPort, ...otherPorts] = service?.ports ?? [];
  const onlyPort = otherPorts.length === 0 ? firstPort?.number : undefined;
  const port = destination.port?.number ?? onlyPort ?? context.port;
  const servicePort = service?.ports.find(({ number }) => number === port);
  return { hostname, port, subset: destination.subset ?? "", service, servicePort };
}

/** Nothing where no service is known. */
function policyOf({ service, subset, port }: Target, { read, model, client }: RouteContext): PortPolicy {
  if (service === undefined) return {};
  const { ofRule, ofSubset } = effectivePolicies(read, model.hostRules, client, { ...service, subset });
  return policyForPort(ofRule, ofSubset, port);
}

function mirrorsOf(rule: HttpRoute, namespace: string, context: RouteContext): readonly ResolvedMirror[] {
  const several = (rule.mirrors ?? []).map(({ destination, percentage }) => ({ destination, percentage }));
  const percentage =
    rule.mirrorPercentage ?? (rule.mirrorPercent === undefined ? undefined : { value: rule.mirrorPercent });
  const all = rule.mirror === undefined ? several : [{ destination: rule.mirror, percentage }, ...several];
  return all.map((mirror) => ({
    cluster: clusterOf(targetOf(mirror.destination, namespace, context), mirror.destination),
    ...(mirror.percentage === undefined ? {} : { percentage: mirror.percentage }),
  }));
}
