// A VirtualService may hand a part of its routing to another (`delegate`): the root's match holds and the delegate's
// too, so each pair of them becomes one. A conflict between the two leaves the delegate's rule out.

import { qualifyHostname } from "../core/hostname.ts";
import { type ObjectKey, objectKey } from "../core/object-key.ts";
import type { Destination } from "../kinds/virtual-service/destination.ts";
import type { HttpRoute } from "../kinds/virtual-service/http-route.ts";
import type { HttpMatchRequest } from "../kinds/virtual-service/matching.ts";
import type { VirtualService } from "../kinds/virtual-service/virtual-service.ts";
import { type MergedMatches, mergeMatches } from "./delegate-matches.ts";
import { qualifyGateway } from "./gateway-name.ts";
import { rowKey } from "./sources.ts";

export interface HttpRule {
  readonly rule: HttpRoute;
  /** Where the rule was written: a delegate's rules stand in another object than their root's. */
  readonly object: ObjectKey;
  readonly path: string;
  /** Of the object that the rule was written in: short host names in it are meant there. */
  readonly namespace: string;
}

export interface DelegateLookup {
  readonly find: (key: string) => VirtualService | undefined;
  readonly clusterDomain: string;
}

/** The rules of a root in order, each delegating one replaced by its delegate's. Delegates don't delegate further. */
export function mergeDelegates(
  root: VirtualService,
  { find, clusterDomain }: DelegateLookup,
): readonly HttpRule[] {
  return (root.spec.http ?? []).flatMap((rule, at) => {
    if (rule.delegate === undefined) return [httpRule(root, rule, at)];
    const { name = "", namespace = root.metadata.namespace } = rule.delegate;
    const delegate = find(rowKey(namespace, name));
    if (delegate === undefined || (delegate.spec.hosts ?? []).length > 0) return [];
    const outer = withFullNames(rule, root.metadata.namespace, clusterDomain);
    return (delegate.spec.http ?? []).flatMap((part, partAt) => {
      if (part.delegate !== undefined) return [];
      const merged = matchesOf(root, rule, { delegate, part });
      return merged.kind === "conflict"
        ? []
        : [httpRule(delegate, mergeRule(outer, part, merged.matches), partAt)];
    });
  });
}

export interface DelegatedRule {
  readonly delegate: VirtualService;
  readonly part: HttpRoute;
}

/** What a delegating rule of a root and one of its delegate's rules match together. */
export function matchesOf(
  root: VirtualService,
  rule: HttpRoute,
  { delegate, part }: DelegatedRule,
): MergedMatches {
  return mergeMatches(
    qualifiedMatches(rule, root.metadata.namespace),
    qualifiedMatches(part, delegate.metadata.namespace),
  );
}

/** A gateway's short name is meant in the namespace of the object that it is written in. */
function qualifiedMatches({ match = [] }: HttpRoute, namespace: string): readonly HttpMatchRequest[] {
  return match.map(({ gateways, ...rest }) =>
    gateways === undefined
      ? rest
      : { ...rest, gateways: gateways.map((gateway) => qualifyGateway(gateway, namespace)) },
  );
}

/** Likewise the short names of hosts: what a root says for its delegates stands in a rule of theirs. */
function withFullNames(rule: HttpRoute, namespace: string, clusterDomain: string): HttpRoute {
  const full = (destination: Destination): Destination => ({
    ...destination,
    host: qualifyHostname(destination.host, namespace, clusterDomain),
  });
  return {
    ...rule,
    ...(rule.mirror === undefined ? {} : { mirror: full(rule.mirror) }),
    ...(rule.mirrors === undefined
      ? {}
      : { mirrors: rule.mirrors.map((each) => ({ ...each, destination: full(each.destination) })) }),
  };
}

/** The root's settings hold where the delegate says nothing. */
function mergeRule(
  { delegate: _delegate, match: _match, ...root }: HttpRoute,
  { match: _own, ...part }: HttpRoute,
  match: readonly HttpMatchRequest[],
): HttpRoute {
  const name = [root.name, part.name].filter((each) => each !== undefined && each !== "").join("-");
  return { ...root, ...part, ...(name === "" ? {} : { name }), ...(match.length === 0 ? {} : { match }) };
}

function httpRule({ metadata: { namespace, name } }: VirtualService, rule: HttpRoute, at: number): HttpRule {
  return {
    rule,
    namespace,
    path: `spec.http[${at}]`,
    object: objectKey({ kind: "VirtualService", namespace, name }),
  };
}
