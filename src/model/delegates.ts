// A VirtualService may hand a part of its routing to another (`delegate`): the root's match holds and the delegate's
// too, so each pair of them becomes one. A conflict between the two leaves the pair out.

import { objectKey } from "../core/object-key.ts";
import type { HttpRoute } from "../kinds/virtual-service/http-route.ts";
import type { HttpMatchRequest, StringMatch } from "../kinds/virtual-service/matching.ts";
import type { VirtualService } from "../kinds/virtual-service/virtual-service.ts";
import type { HttpRule } from "./host-routes.ts";
import { rowKey } from "./sources.ts";

/** The rules of a root in order, each delegating one replaced by its delegate's. Delegates don't delegate further. */
export function mergeDelegates(
  root: VirtualService,
  find: (key: string) => VirtualService | undefined,
): readonly HttpRule[] {
  return (root.spec.http ?? []).flatMap((rule, at) => {
    if (rule.delegate === undefined) return [httpRule(root, rule, at)];
    const { name = "", namespace = root.metadata.namespace } = rule.delegate;
    const delegate = find(rowKey(namespace, name));
    if (delegate === undefined || (delegate.spec.hosts ?? []).length > 0) return [];
    return (delegate.spec.http ?? []).flatMap((part, partAt) => {
      const merged = part.delegate === undefined ? mergeRule(rule, part) : undefined;
      return merged === undefined ? [] : [httpRule(delegate, merged, partAt)];
    });
  });
}

function httpRule({ metadata: { namespace, name } }: VirtualService, rule: HttpRoute, at: number): HttpRule {
  return {
    rule,
    namespace,
    path: `spec.http[${at}]`,
    object: objectKey({ kind: "VirtualService", namespace, name }),
  };
}

/** The root's settings hold where the delegate says nothing. */
function mergeRule({ delegate: _delegate, ...root }: HttpRoute, part: HttpRoute): HttpRoute | undefined {
  const name = [root.name, part.name].filter((each) => each !== undefined && each !== "").join("-");
  const match = mergeMatches(root.match, part.match);
  if (match === undefined) return undefined;
  return { ...root, ...part, ...(name === "" ? {} : { name }), ...(match.length === 0 ? {} : { match }) };
}

/** Every pair; undefined where none of them can hold. */
function mergeMatches(
  root: readonly HttpMatchRequest[] = [],
  part: readonly HttpMatchRequest[] = [],
): readonly HttpMatchRequest[] | undefined {
  if (root.length === 0) return part;
  if (part.length === 0) return root;
  const merged = root.flatMap((one) => part.flatMap((other) => mergeMatch(one, other) ?? []));
  return merged.length === 0 ? undefined : merged;
}

function mergeMatch(root: HttpMatchRequest, part: HttpMatchRequest): HttpMatchRequest | undefined {
  const uri = mergeUri(root.uri, part.uri);
  if (uri === "conflict" || hasConflict(root, part)) return undefined;
  const name = [root.name, part.name].filter((each) => each !== undefined && each !== "").join("-");
  return {
    ...root,
    ...part,
    ...(name === "" ? {} : { name }),
    ...(uri === undefined ? {} : { uri }),
    ...mergedMap("headers", root.headers, part.headers),
    ...mergedMap("withoutHeaders", root.withoutHeaders, part.withoutHeaders),
    ...mergedMap("queryParams", root.queryParams, part.queryParams),
    ...mergedMap("sourceLabels", root.sourceLabels, part.sourceLabels),
  };
}

/** A delegate may narrow the root's prefix, not leave it. */
function mergeUri(
  root: StringMatch | undefined,
  part: StringMatch | undefined,
): StringMatch | undefined | "conflict" {
  if (root === undefined || part === undefined) return root ?? part;
  if (root.prefix === undefined || part.regex !== undefined) return "conflict";
  const path = part.exact ?? part.prefix ?? "";
  return path.startsWith(root.prefix) ? part : "conflict";
}

function hasConflict(root: HttpMatchRequest, part: HttpMatchRequest): boolean {
  const both = (field: "scheme" | "method" | "authority" | "port" | "sourceNamespace") =>
    root[field] !== undefined &&
    part[field] !== undefined &&
    JSON.stringify(root[field]) !== JSON.stringify(part[field]);
  return (
    both("scheme") ||
    both("method") ||
    both("authority") ||
    both("port") ||
    both("sourceNamespace") ||
    mapsConflict(root.headers, part.headers) ||
    mapsConflict(root.queryParams, part.queryParams) ||
    mapsConflict(root.sourceLabels, part.sourceLabels)
  );
}

function mapsConflict(
  root: Readonly<Record<string, unknown>> = {},
  part: Readonly<Record<string, unknown>> = {},
) {
  return Object.entries(part).some(
    ([key, value]) => key in root && JSON.stringify(root[key]) !== JSON.stringify(value),
  );
}

function mergedMap<V>(
  field: string,
  root: Readonly<Record<string, V>> | undefined,
  part: Readonly<Record<string, V>> | undefined,
) {
  return root === undefined || part === undefined ? {} : { [field]: { ...root, ...part } };
}
