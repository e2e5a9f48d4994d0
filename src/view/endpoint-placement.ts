// Load balancing by locality: what a service and its rule say of it, and what follows for clients of one place.

import { type ClaimedField, claims } from "../kinds/claims.ts";
import { destinationRuleKind } from "../kinds/destination-rule/destination-rule.ts";
import type { LocalityLoadBalancerSetting } from "../kinds/destination-rule/load-balancer.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import type { ServiceEndpoint } from "../model/endpoints.ts";
import {
  HOSTNAME_LABEL,
  labelsWithPlace,
  REGION_LABEL,
  SUBZONE_LABEL,
  ZONE_LABEL,
} from "../model/locality.ts";
import type { MeshSettings } from "../model/mesh-settings.ts";
import type { MeshService } from "../model/service.ts";
import type { ClusterEndpoint, EndpointInputs, EndpointPlacement, PortPolicy } from "./cluster-inputs.ts";

export const localityFields: readonly ClaimedField[] = [
  ...claims(destinationRuleKind, "spec.trafficPolicy.loadBalancer", [
    "localityLbSetting.distribute[].from",
    "localityLbSetting.distribute[].to.*",
    "localityLbSetting.failover[].from",
    "localityLbSetting.failover[].to",
    "localityLbSetting.failoverPriority",
    "localityLbSetting.enabled",
  ]),
  ...claims(meshConfigKind, "spec.localityLbSetting", [
    "distribute[].from",
    "distribute[].to.*",
    "failover[].from",
    "failover[].to",
    "failoverPriority",
    "enabled",
  ]),
];

/** Where a client is, as far as any placement looks at it. */
export interface PlaceFacts {
  readonly locality: string;
  readonly nodeName: string;
  /** With those that say where it is. */
  readonly labels: Readonly<Record<string, string>>;
}

const NEARNESS_LABELS = [REGION_LABEL, ZONE_LABEL, SUBZONE_LABEL];

/** What holds for a service's clients; undefined where their place decides nothing. */
export function placementOf(
  service: MeshService,
  policy: PortPolicy,
  settings: MeshSettings,
): EndpointPlacement | undefined {
  const { isNodeLocal, preference } = service;
  const ofRule = policy.loadBalancer?.localityLbSetting;
  if (ofRule === undefined && preference !== "none") {
    const isSameNode = preference === "same-node";
    const labels = [...NEARNESS_LABELS, ...(isSameNode ? [HOSTNAME_LABEL] : [])].map((key) => ({ key }));
    return { isNodeLocal, looksAtNode: isNodeLocal || isSameNode, failover: { regions: [], labels } };
  }
  const spread = spreadOf(ofRule ?? settings.localityLbSetting, policy);
  if (!isNodeLocal && spread === undefined) return undefined;
  const looksAtNode = isNodeLocal || (spread?.failover?.labels ?? []).some(isAboutNode);
  return { isNodeLocal, looksAtNode, ...spread };
}

function isAboutNode({ key, value }: { readonly key: string; readonly value?: string }): boolean {
  return key === HOSTNAME_LABEL && value === undefined;
}

/** Without outlier detection Envoy never learns that an endpoint fails, so nothing could fail over. */
function spreadOf(
  { enabled = true, distribute = [], failover = [], failoverPriority = [] }: LocalityLoadBalancerSetting,
  { outlierDetection }: PortPolicy,
): Pick<EndpointPlacement, "distribute" | "failover"> | undefined {
  if (!enabled) return undefined;
  if (distribute.length > 0) return { distribute };
  if (outlierDetection === undefined) return undefined;
  const labels = failoverPriority.map((written) => {
    const equals = written.indexOf("=");
    return equals < 0
      ? { key: written }
      : { key: written.slice(0, equals), value: written.slice(equals + 1) };
  });
  return { failover: { regions: failover, labels } };
}

/** What the placement will look at. */
export function factsForPlacement(
  { labels, locality, nodeName }: Pick<ServiceEndpoint, "labels" | "locality" | "nodeName">,
  { failover, looksAtNode }: EndpointPlacement,
): Pick<ClusterEndpoint, "nodeName" | "labelValues"> {
  const keys = failover?.labels.map(({ key }) => key) ?? [];
  const all = keys.length === 0 ? {} : labelsWithPlace(labels, { locality, nodeName });
  return {
    ...(looksAtNode ? { nodeName } : {}),
    ...(keys.length === 0 ? {} : { labelValues: keys.map((key) => all[key] ?? "") }),
  };
}

/** Whether clients in different places could be given different things. */
export function isPlaceDependent({ endpoints, placement }: EndpointInputs): boolean {
  if (placement === undefined) return false;
  const { isNodeLocal, distribute, failover } = placement;
  if (isNodeLocal || distribute !== undefined) return true;
  const standing = ({ locality, labelValues }: ClusterEndpoint) => JSON.stringify([locality, labelValues]);
  return failover !== undefined && new Set(endpoints.map(standing)).size > 1;
}

/** The endpoints as clients of a place are given them. */
export function placeEndpoints(inputs: EndpointInputs, place: PlaceFacts): EndpointInputs {
  const { placement, ...rest } = inputs;
  if (placement === undefined) return inputs;
  const { isNodeLocal, distribute, failover } = placement;
  const reachable = rest.endpoints.filter(({ nodeName }) => !isNodeLocal || nodeName === place.nodeName);
  const placed = { ...rest, endpoints: reachable };
  if (distribute !== undefined) return distributed(placed, distribute, place);
  if (failover === undefined) return withoutFacts(placed);
  const ranks = reachable.map((endpoint) => rankOf(endpoint, failover, place));
  const order = [...new Set(ranks)].sort((a, b) => a - b);
  const endpoints = reachable.map((endpoint, at) => {
    // Envoy wants priorities without a gap.
    const priority = order.indexOf(ranks[at] ?? 0);
    return priority === 0 ? endpoint : { ...endpoint, priority };
  });
  return withoutFacts({ ...placed, endpoints });
}

/** What the place was decided by isn't part of what was decided. */
function withoutFacts(inputs: EndpointInputs): EndpointInputs {
  const endpoints = inputs.endpoints.map(
    ({ nodeName: _node, labelValues: _values, ...endpoint }) => endpoint,
  );
  return { ...inputs, endpoints };
}

/** The first rule for the client's locality holds; endpoints that it doesn't name get nothing. */
function distributed(
  inputs: EndpointInputs,
  rules: NonNullable<EndpointPlacement["distribute"]>,
  { locality }: PlaceFacts,
): EndpointInputs {
  const rule = rules.find(({ from = "" }) => isWithin(locality, from));
  if (rule === undefined) return withoutFacts(inputs);
  const left = new Map<string, number>();
  for (const { locality: place, weight } of inputs.endpoints) {
    left.set(place, (left.get(place) ?? 0) + Math.max(1, weight));
  }
  const localityWeights: Record<string, number> = {};
  for (const [to, weight] of Object.entries(rule.to ?? {})) {
    const matched = [...left].filter(([place]) => isWithin(place, to));
    const total = matched.reduce((sum, [, own]) => sum + own, 0);
    for (const [place, own] of matched) {
      localityWeights[place] = Math.ceil((own * weight) / total);
      left.delete(place);
    }
  }
  const endpoints = inputs.endpoints.filter(({ locality: place }) => place in localityWeights);
  return withoutFacts({ ...inputs, endpoints, localityWeights });
}

/** `*` stands for any region, zone or subzone, and what a rule leaves out is any. */
function isWithin(locality: string, rule: string): boolean {
  const places = locality.split("/");
  return rule.split("/").every((wanted, at) => wanted === "*" || wanted === (places[at] ?? ""));
}

// A rank by locality goes from 0 to 4.
const LOCALITY_RANKS = 5;

function rankOf(
  endpoint: ClusterEndpoint,
  { labels, regions }: NonNullable<EndpointPlacement["failover"]>,
  place: PlaceFacts,
): number {
  if (labels.length === 0) return localityRank(endpoint.locality, regions, place);
  const differsAt = labels.findIndex(
    ({ key, value = place.labels[key] ?? "" }, at) => value !== endpoint.labelValues?.[at],
  );
  const rank = differsAt < 0 ? 0 : labels.length - differsAt;
  return regions.length === 0
    ? rank
    : rank * LOCALITY_RANKS + localityRank(endpoint.locality, regions, place);
}

/** 0 same subzone, 1 same zone, 2 same region, 3 another, 4 a region that the client's doesn't fail over to. */
function localityRank(
  locality: string,
  regions: NonNullable<EndpointPlacement["failover"]>["regions"],
  place: PlaceFacts,
): number {
  const [region = "", zone = "", subzone = ""] = locality.split("/");
  const [ownRegion = "", ownZone = "", ownSubzone = ""] = place.locality.split("/");
  if (region === ownRegion) {
    if (zone !== ownZone) return 2;
    return subzone === ownSubzone ? 0 : 1;
  }
  const rule = regions.find(({ from }) => from === ownRegion);
  return rule === undefined || rule.to === region ? 3 : 4;
}
