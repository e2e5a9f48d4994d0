// The clusters of every service, for every port and subset, with their endpoints: the mesh's, and those of client
// scopes that see them otherwise.

import { outboundClusterName, outboundServerName } from "../core/cluster-name.ts";
import { matchesLabels } from "../core/label-selector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Subset } from "../kinds/destination-rule/traffic-policy.ts";
import {
  type EffectiveRule,
  effectiveRule,
  type PortPolicy,
  policyForPort,
} from "../model/destination-rules.ts";
import type { ServiceEndpoint } from "../model/endpoints.ts";
import type { MeshSettings } from "../model/mesh-settings.ts";
import type { Model } from "../model/model.ts";
import { type MeshService, type MeshServicePort, objectsOfPort } from "../model/service.ts";
import { hasCredentials } from "./client-credentials.ts";
import type { ScopeClient } from "./client-questions.ts";
import type { ClientScopes } from "./client-scope.ts";
import type {
  ClusterEndpoint,
  Discovery,
  EndpointInputs,
  EndpointPlacement,
  OutboundClusterInputs,
  UpstreamTls,
} from "./cluster-inputs.ts";
import { statNameOf } from "./cluster-stat-name.ts";
import { factsForPlacement, placementOf } from "./endpoint-placement.ts";
import type { Provenance } from "./provenance.ts";
import { deriveScopedRows, type Scoped } from "./scoped-rows.ts";
import { type RowsOfServices, rowsOfServices } from "./service-rows.ts";

/** Rows by layer and cluster name. */
export function declareOutboundClusters(
  graph: Graph,
  model: Model,
  scopes: ClientScopes,
): Table<Scoped<OutboundClusterInputs>> {
  return deriveScopedRows(graph, { ...outboundClusterRows(model), scopes });
}

/** Rows by layer and cluster name, for clusters whose endpoints come by EDS. */
export function declareClusterEndpoints(
  graph: Graph,
  model: Model,
  scopes: ClientScopes,
): Table<Scoped<EndpointInputs>> {
  return deriveScopedRows(graph, { ...clusterEndpointRows(model), scopes });
}

export function outboundClusterRows(model: Model): RowsOfServices<OutboundClusterInputs> {
  return ofServices({ name: "outbound clusters", model, build: clustersOf });
}

export function clusterEndpointRows(model: Model): RowsOfServices<EndpointInputs> {
  return ofServices({ name: "cluster endpoints", model, build: endpointsOf });
}

interface Declaration<T> {
  readonly name: string;
  readonly model: Model;
  readonly build: (context: ServiceContext) => ReadonlyMap<string, T>;
}

function ofServices<T>({ name, model, build }: Declaration<T>): RowsOfServices<T> {
  return rowsOfServices<T>(model, {
    name,
    reached: "as a destination",
    build: ({ input, ...context }) => build({ ...context, service: input, model }),
  });
}

interface ServiceContext {
  readonly key: string;
  readonly service: MeshService;
  readonly model: Model;
  readonly read: Read;
  readonly client: ScopeClient;
}

/** The whole service and each subset, on each port. */
function* variants({ service, model, read, client }: ServiceContext) {
  const rule = effectiveRule(read, model.hostRules, client, service);
  const { hostname } = service;
  for (const port of service.ports) {
    for (const subset of [undefined, ...(rule?.subsets ?? [])]) {
      const parts = { port: port.number, subset: subset?.name ?? "", hostname };
      yield { rule, port, subset, parts, name: outboundClusterName(parts) };
    }
  }
}

function clustersOf(context: ServiceContext): ReadonlyMap<string, OutboundClusterInputs> {
  const clusters = new Map<string, OutboundClusterInputs>();
  for (const variant of variants(context)) {
    const inputs = clusterInputs(context, variant);
    if (inputs !== undefined) clusters.set(variant.name, inputs);
  }
  return clusters;
}

interface Variant {
  readonly name: string;
  readonly rule: EffectiveRule | undefined;
  readonly port: MeshServicePort;
  readonly subset: Subset | undefined;
  readonly parts: { readonly port: number; readonly subset: string; readonly hostname: string };
}

interface PolicyVariant extends Variant {
  readonly policy: PortPolicy;
}

function clusterInputs(context: ServiceContext, variant: Variant): OutboundClusterInputs | undefined {
  const { service, model, read } = context;
  const { rule, port, subset, parts, name } = variant;
  const settings = read.one(model.settings);
  const policy = policyOf(variant, settings);
  const discovery = discoveryOf(context, { ...variant, policy });
  const tls = upstreamTls(context, { rule, policy, discovery, serverName: outboundServerName(parts) });
  if (tls === undefined) return undefined;
  return {
    name,
    ...statNameOf(settings.clusterStatNames.outbound, {
      service,
      port,
      ...(subset && { subset: subset.name }),
    }),
    ...parts,
    service: { name: service.name, namespace: service.namespace },
    protocol: port.protocol,
    discovery,
    policy,
    tls,
    connectTimeout: settings.connectTimeout,
    dnsRefreshRate: settings.dnsRefreshRate,
    ...(settings.tlsCompliance && { tlsCompliance: settings.tlsCompliance }),
    isHttp2Upgraded: isHttp2Upgraded(policy, settings, service),
    isLocalityWeighted: placementOf(service, policy, settings)?.distribute !== undefined,
    provenance: provenanceOf(context, variant),
  };
}

/** Rules first, then what made the port. */
function provenanceOf(
  { service }: ServiceContext,
  { rule, port }: Pick<Variant, "rule" | "port">,
): Provenance {
  const objects = [...(rule?.objects ?? []), ...objectsOfPort(service, port.number)];
  return objects.map((object) => ({ object }));
}

/** Without rules that choose nothing: clients for whom they hold, and others, share the endpoints. */
function provenanceOfEndpoints(
  context: ServiceContext,
  { rule, subset, port, policy }: PolicyVariant,
): Provenance {
  const { localityLbSetting } = policy.loadBalancer ?? {};
  const { outlierDetection } = policy;
  const isChosen = [subset, localityLbSetting, outlierDetection].some((each) => each !== undefined);
  return provenanceOf(context, { rule: isChosen ? rule : undefined, port });
}

function policyOf(
  { rule, subset, port }: Pick<Variant, "rule" | "subset" | "port">,
  settings: MeshSettings,
): PortPolicy {
  const ofRule = policyForPort(rule?.trafficPolicy, subset?.trafficPolicy, port.number);
  return withMeshDefaults(ofRule, settings);
}

function withMeshDefaults(policy: PortPolicy, settings: MeshSettings): PortPolicy {
  const { defaultTrafficPolicy, tcpKeepalive } = settings;
  const connectionPool = policy.connectionPool ?? defaultTrafficPolicy?.connectionPool;
  const outlierDetection = policy.outlierDetection ?? defaultTrafficPolicy?.outlierDetection;
  const keepalive = connectionPool?.tcp?.tcpKeepalive ?? tcpKeepalive;
  return {
    ...policy,
    ...(connectionPool === undefined && keepalive === undefined
      ? {}
      : {
          connectionPool: {
            ...connectionPool,
            ...(keepalive === undefined ? {} : { tcp: { ...connectionPool?.tcp, tcpKeepalive: keepalive } }),
          },
        }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
  };
}

function isHttp2Upgraded(
  { connectionPool }: PortPolicy,
  settings: MeshSettings,
  service: MeshService,
): boolean {
  const own = connectionPool?.http?.h2UpgradePolicy ?? "DEFAULT";
  return own === "DEFAULT" ? settings.isHttp2Upgraded && !service.isExternal : own === "UPGRADE";
}

function discoveryOf(context: ServiceContext, variant: PolicyVariant): Discovery {
  const { service, client } = context;
  if (variant.policy.loadBalancer?.simple === "PASSTHROUGH") return { kind: "original-destination" };
  switch (service.resolution) {
    case "endpoints":
      return { kind: "eds" };
    case "headless":
    case "none":
      return { kind: "original-destination" };
    case "dns":
    case "dns-round-robin": {
      const isLogical = service.resolution === "dns-round-robin";
      return {
        kind: "dns",
        endpoints: endpointInputs(context, variant),
        isLogical,
        families: client.families(),
      };
    }
  }
}

interface TlsContext {
  readonly rule: EffectiveRule | undefined;
  readonly policy: PortPolicy;
  readonly discovery: Discovery;
  readonly serverName: string;
}

/** Undefined where a secret that the cluster needs isn't there: Envoy would wait for it, and hold up all others. */
function upstreamTls(context: ServiceContext, asked: TlsContext): UpstreamTls | undefined {
  const { key, service, model, read, client } = context;
  const { serverName, policy, rule } = asked;
  const { tls } = policy;
  const identities = read.get(model.identities, key) ?? [];
  if (tls === undefined) return automaticTls(context, asked, identities);
  switch (tls.mode) {
    // Settings without a mode have the API's first one.
    case undefined:
    case "DISABLE":
      return { kind: "plaintext" };
    case "ISTIO_MUTUAL":
      return {
        kind: "mesh",
        // A gateway's server is found by a name of its own.
        serverName: tls.sni || serverName,
        identities,
        subjectAltNames: tls.subjectAltNames ?? [],
      };
    default: {
      // A Secret is for gateways, and for sidecars that the rule selects; to others its TLS is as if it weren't there.
      const isForClient = () => rule?.selectsClients === true || client.isGateway();
      if (tls.credentialName !== undefined && !isForClient()) return { kind: "plaintext" };
      const { tlsDefaults } = read.one(model.settings);
      if (!hasCredentials(tls, { model, read, client })) return undefined;
      return {
        kind: "configured",
        settings: tls,
        subjectAltNames: tls.subjectAltNames ?? service.subjectAltNames,
        ...(Object.keys(tlsDefaults).length > 0 && { defaults: tlsDefaults }),
      };
    }
  }
}

function automaticTls(
  { key, service, model, read }: ServiceContext,
  { discovery, serverName }: TlsContext,
  identities: readonly string[],
): UpstreamTls {
  if (!read.one(model.settings).isAutomaticMutualTls || service.isExternal) return { kind: "plaintext" };
  switch (discovery.kind) {
    case "eds":
    case "dns":
      return { kind: "automatic", serverName, identities };
    case "original-destination": {
      // Without EDS an endpoint can't say whether it takes mTLS, so it is used where all of them do.
      const endpoints = read.get(model.endpoints, key) ?? [];
      const allTakeIt = endpoints.length > 0 && endpoints.every(({ isMutualTls }) => isMutualTls);
      return allTakeIt
        ? { kind: "mesh", serverName, identities, subjectAltNames: [] }
        : { kind: "plaintext" };
    }
  }
}

function endpointsOf(context: ServiceContext): ReadonlyMap<string, EndpointInputs> {
  const { service, model, read } = context;
  const clusters = new Map<string, EndpointInputs>();
  if (service.resolution !== "endpoints") return clusters;
  const settings = read.one(model.settings);
  for (const variant of variants(context)) {
    const policy = policyOf(variant, settings);
    clusters.set(variant.name, endpointInputs(context, { ...variant, policy }));
  }
  return clusters;
}

/** However Envoy learns them. */
function endpointInputs(context: ServiceContext, variant: PolicyVariant): EndpointInputs {
  const { key, service, model, read } = context;
  const { name, port, subset, policy } = variant;
  const placement = placementOf(service, policy, read.one(model.settings));
  const all = read.get(model.endpoints, key) ?? [];
  const endpoints = endpointsOfPort(all, { port: port.number, subset, placement });
  return {
    clusterName: name,
    endpoints,
    ...(placement === undefined ? {} : { placement }),
    provenance: provenanceOfEndpoints(context, variant),
  };
}

interface EndpointChoice {
  readonly port: number;
  readonly subset: Subset | undefined;
  readonly placement?: EndpointPlacement | undefined;
}

function endpointsOfPort(
  all: readonly ServiceEndpoint[],
  { port, subset, placement }: EndpointChoice,
): readonly ClusterEndpoint[] {
  return all
    .filter(({ servicePort, labels }) => servicePort === port && matchesLabels(subset?.labels ?? {}, labels))
    .map((chosen) => {
      const {
        servicePort: _port,
        labels: _labels,
        identity: _identity,
        nodeName: _node,
        workload: _workload,
        namespace: _namespace,
        ...endpoint
      } = chosen;
      return placement === undefined ? endpoint : { ...endpoint, ...factsForPlacement(chosen, placement) };
    });
}
