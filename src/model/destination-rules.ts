// Which DestinationRule holds for a client and a host, and what it says for one port and subset.

import { qualifyHostname } from "../core/hostname.ts";
import type { ObjectKey } from "../core/object-key.ts";
import { objectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { type DestinationRule, destinationRuleKind } from "../kinds/destination-rule/destination-rule.ts";
import type { Subset, TrafficPolicy } from "../kinds/destination-rule/traffic-policy.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import type { Client } from "./client.ts";
import { declareHostTable, findByHost, type HostTable } from "./host-table.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { byAge, type ServiceName } from "./service.ts";
import type { Sources } from "./sources.ts";
import { resolveVisibility, type Visibility } from "./visibility.ts";

export const destinationRuleFields: readonly ClaimedField[] = [
  ...claims(destinationRuleKind, [
    "spec.host",
    "spec.exportTo",
    "spec.workloadSelector.matchLabels.*",
    "spec.subsets[].name",
    "spec.subsets[].labels.*",
    "spec.trafficPolicy.portLevelSettings[].port.number",
  ]),
  ...claims(meshConfigKind, ["spec.defaultDestinationRuleExportTo"]),
  ...claims(meshConfigKind, "spec.defaultTrafficPolicy.connectionPool", [
    "tcp.maxConnections",
    "tcp.connectTimeout",
    "tcp.tcpKeepalive.probes",
    "tcp.tcpKeepalive.time",
    "tcp.tcpKeepalive.interval",
    "tcp.maxConnectionDuration",
    "tcp.idleTimeout",
    "http.http1MaxPendingRequests",
    "http.http2MaxRequests",
    "http.maxRequestsPerConnection",
    "http.maxRetries",
    "http.idleTimeout",
    "http.h2UpgradePolicy",
    "http.useClientProtocol",
    "http.maxConcurrentStreams",
    "http.http2KeepAlive.interval",
    "http.http2KeepAlive.timeout",
  ]),
  ...claims(meshConfigKind, "spec.defaultTrafficPolicy.outlierDetection", [
    "consecutiveErrors",
    "splitExternalLocalOriginErrors",
    "consecutiveLocalOriginFailures",
    "consecutiveGatewayErrors",
    "consecutive5xxErrors",
    "interval",
    "baseEjectionTime",
    "maxEjectionPercent",
    "minHealthPercent",
  ]),
];

/** A DestinationRule with its host qualified; what it says of traffic is the object's own. */
export interface HostRule {
  readonly hostname: string;
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string;
  readonly visibility: Visibility;
  /** Clients that it holds for; undefined for all. */
  readonly clientLabels: Readonly<Record<string, string>> | undefined;
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly Subset[];
  /** Some TLS setting names a Secret, which is looked up in each client's own namespace. */
  readonly namesSecret: boolean;
  readonly object: ObjectKey;
}

export interface HostRules {
  readonly table: Table<HostRule>;
  readonly hosts: HostTable<HostRule>;
  readonly settings: Table<MeshSettings>;
}

/** What all rules for a host add up to, for one client. */
export interface EffectiveRule {
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly Subset[];
  /** The leading one selects the workloads that it holds for. */
  readonly selectsClients: boolean;
  /** The objects it came from, the leading one first. */
  readonly objects: readonly ObjectKey[];
}

export function declareHostRules(graph: Graph, sources: Sources, settings: Table<MeshSettings>): HostRules {
  const table = graph.derive<DestinationRule, HostRule>({
    name: "host rules",
    from: sources.DestinationRule,
    rows: (key, rule, read) => [[key, hostRule(rule, read.one(settings))]],
  });
  const hosts = declareHostTable(graph, table, {
    name: "host rules by host",
    hostsOf: ({ hostname }) => [hostname],
  });
  return { table, settings, hosts };
}

function hostRule({ metadata, spec }: DestinationRule, settings: MeshSettings): HostRule {
  const { namespace, name, creationTimestamp } = metadata;
  const labels = spec.workloadSelector?.matchLabels;
  // A rule that selects workloads is for its own namespace alone.
  const exportTo = labels === undefined ? spec.exportTo : ["."];
  return {
    hostname: qualifyHostname(spec.host, namespace, settings.clusterDomain),
    namespace,
    name,
    createdAt: creationTimestamp ?? "",
    visibility: resolveVisibility(exportTo, namespace, settings.defaultExportTo.destinationRule),
    clientLabels: labels,
    trafficPolicy: spec.trafficPolicy,
    subsets: spec.subsets ?? [],
    namesSecret: namesSecret(spec),
    object: objectKey({ kind: "DestinationRule", namespace, name }),
  };
}

function namesSecret({ trafficPolicy, subsets = [] }: DestinationRule["spec"]): boolean {
  const policies = [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)];
  return policies
    .flatMap((policy) => [policy?.tls, ...(policy?.portLevelSettings ?? []).map(({ tls }) => tls)])
    .some((tls) => tls?.credentialName !== undefined);
}

/**
 * Istio's precedence: rules of the client's namespace, else of the service's, else of the root namespace; among them
 * the most specific host. Rules for the same host add their subsets to the oldest's, whose traffic policy holds.
 * Public rules of the root namespace are meant for the whole mesh: clients there, often gateways, get them last too.
 */
export function effectiveRule(
  read: Read,
  rules: HostRules,
  client: Client,
  service: ServiceName,
): EffectiveRule | undefined {
  const leading = rulesFor(read, rules, client, service);
  return leading.length === 0 ? undefined : merge(leading);
}

export interface EffectivePolicies {
  readonly ofRule: TrafficPolicy | undefined;
  readonly ofSubset: TrafficPolicy | undefined;
}

/** Of the effective rule and one of its subsets. It merges no others: a rule may have as many as a route destinations. */
export function effectivePolicies(
  read: Read,
  rules: HostRules,
  client: Client,
  { subset, ...service }: ServiceName & { readonly subset: string },
): EffectivePolicies {
  const leading = rulesFor(read, rules, client, service);
  const ofSubset = leading.flatMap(({ subsets }) => subsets.find(({ name }) => name === subset) ?? [])[0];
  return { ofRule: policyOf(leading), ofSubset: ofSubset?.trafficPolicy };
}

/** In the order in which they are merged. */
function rulesFor(read: Read, rules: HostRules, client: Client, service: ServiceName): readonly HostRule[] {
  const held = findByHost(read, rules.hosts, service.hostname)
    .map(([, rule]) => rule)
    .filter((rule) => holdsFor(rule, client));
  const { rootNamespace } = read.one(rules.settings);
  // Rules that select workloads stand before those for all.
  return [...leadingRules(held, { client, service, rootNamespace })].sort(
    (a, b) => Number(a.clientLabels === undefined) - Number(b.clientLabels === undefined) || byAge(a, b),
  );
}

interface Parties {
  readonly client: Pick<Client, "isIn">;
  readonly service: ServiceName;
  readonly rootNamespace: string;
}

/** Of rules for the service's host, the most specific first, those that come before all others for the client. */
function leadingRules(
  held: readonly HostRule[],
  { client, service, rootNamespace }: Parties,
): readonly HostRule[] {
  // The service's own namespace is the next step in any case, so its clients needn't be told apart here.
  const isForSomeNamespace = ({ namespace, visibility }: HostRule) =>
    namespace === rootNamespace ? visibility !== "public" : namespace !== service.namespace;
  const steps: readonly ((rule: HostRule) => boolean)[] = [
    (rule) => isForSomeNamespace(rule) && client.isIn(rule.namespace),
    (rule) => rule.namespace === service.namespace,
    (rule) => rule.namespace === rootNamespace,
  ];
  for (const isOfStep of steps) {
    const found = held.filter(isOfStep);
    if (found.length > 0) return found.filter(({ hostname }) => hostname === found[0]?.hostname);
  }
  return [];
}

/** Whether some clients of a namespace have the subset, whatever their labels. */
export function canHaveSubset(
  read: Read,
  rules: HostRules,
  client: Pick<Client, "isIn" | "sees">,
  { subset, ...service }: ServiceName & { readonly subset: string },
): boolean {
  const { rootNamespace } = read.one(rules.settings);
  const visible = findByHost(read, rules.hosts, service.hostname)
    .map(([, rule]) => rule)
    .filter(({ visibility }) => client.sees(visibility));
  const forAll = visible.filter(({ clientLabels }) => clientLabels === undefined);
  const leading = [visible, forAll].flatMap((held) => leadingRules(held, { client, service, rootNamespace }));
  return leading.some(({ subsets }) => subsets.some(({ name }) => name === subset));
}

function holdsFor({ visibility, clientLabels }: HostRule, client: Client): boolean {
  return client.sees(visibility) && (clientLabels === undefined || client.matches(clientLabels));
}

function policyOf(ordered: readonly HostRule[]): TrafficPolicy | undefined {
  return ordered.find(({ trafficPolicy }) => trafficPolicy !== undefined)?.trafficPolicy;
}

function merge(ordered: readonly HostRule[]): EffectiveRule {
  const subsets = new Map<string, Subset>();
  for (const subset of ordered.flatMap((rule) => rule.subsets)) {
    if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
  }
  return {
    trafficPolicy: policyOf(ordered),
    subsets: [...subsets.values()],
    selectsClients: ordered[0]?.clientLabels !== undefined,
    objects: ordered.map(({ object }) => object),
  };
}

export type PortPolicy = Omit<TrafficPolicy, "portLevelSettings">;

/** The policy for one port: the port's settings replace the rule's whole where they are given, the subset's likewise. */
export function policyForPort(
  rule: TrafficPolicy | undefined,
  subset: TrafficPolicy | undefined,
  port: number,
): PortPolicy {
  return { ...ownPolicy(rule, port), ...ownPolicy(subset, port) };
}

function ownPolicy(policy: TrafficPolicy | undefined, port: number): PortPolicy {
  if (policy === undefined) return {};
  const { portLevelSettings = [], ...general } = policy;
  const ofPort = portLevelSettings.find((settings) => settings.port?.number === port);
  if (ofPort === undefined) return general;
  const { port: _selector, ...settings } = ofPort;
  // A port's settings stand for themselves: what they leave out is the default, not the rule's.
  const { tunnel, proxyProtocol, retryBudget } = general;
  return {
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    ...(retryBudget === undefined ? {} : { retryBudget }),
    ...settings,
  };
}
