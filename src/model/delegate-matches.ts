// The match of a root's rule and that of its delegate's as one: both hold. A delegate may match what its root matches
// or less of it; what reaches further is a conflict.

import type { HttpMatchRequest, StringMatch } from "../kinds/virtual-service/matching.ts";

export type MergedMatches =
  | { readonly kind: "merged"; readonly matches: readonly HttpMatchRequest[] }
  /** `field`: of the delegate's match, where it reaches further than each of the root's. */
  | { readonly kind: "conflict"; readonly at: number; readonly field: string };

/** Names of gateways are qualified. Each of the delegate's matches must be within one of the root's, as in Istio. */
export function mergeMatches(
  root: readonly HttpMatchRequest[] = [],
  part: readonly HttpMatchRequest[] = [],
): MergedMatches {
  if (root.length === 0) return { kind: "merged", matches: part };
  if (part.length === 0) return { kind: "merged", matches: root };
  const matches: HttpMatchRequest[] = [];
  for (const [at, own] of part.entries()) {
    const merged = root.map((outer) => mergeMatch(outer, own));
    const good = merged.filter((each) => typeof each !== "string");
    if (good.length === 0) return { kind: "conflict", at, field: merged.find(isField) ?? "" };
    matches.push(...good);
  }
  return { kind: "merged", matches };
}

function isField(merged: HttpMatchRequest | string): merged is string {
  return typeof merged === "string";
}

/** Or the name of the field in which the two conflict. */
function mergeMatch(root: HttpMatchRequest, part: HttpMatchRequest): HttpMatchRequest | string {
  const fields: Record<string, unknown> = { ...root, ...part };
  for (const [field, merge] of Object.entries(mergers)) {
    const merged = merge(root, part);
    if (merged === CONFLICT) return field;
    if (merged === undefined) delete fields[field];
    else fields[field] = merged;
  }
  return fields as HttpMatchRequest;
}

const CONFLICT = Symbol("conflict");

/** Both may be there; `narrow` gives what holds where both do. */
function both<T>(
  root: T | undefined,
  part: T | undefined,
  narrow: (root: T, part: T) => T | typeof CONFLICT,
) {
  if (root === undefined || part === undefined) return root ?? part;
  return narrow(root, part);
}

type Merger = (root: HttpMatchRequest, part: HttpMatchRequest) => unknown;

// Fields that aren't here are the delegate's, else the root's.
const mergers: Readonly<Partial<Record<keyof HttpMatchRequest, Merger>>> = {
  name: (root, part) => [root.name, part.name].filter(Boolean).join("-") || undefined,
  uri: ({ uri: outer, ignoreUriCase = false }, { uri: own, ignoreUriCase: ownCase = false }) =>
    both(outer, own, (root, part) =>
      ignoreUriCase === ownCase ? narrower(root, part, ignoreUriCase) : CONFLICT,
    ),
  ignoreUriCase: (root, part) => (part.uri === undefined ? root : part).ignoreUriCase,
  scheme: (root, part) => both(root.scheme, part.scheme, narrower),
  method: (root, part) => both(root.method, part.method, narrower),
  authority: (root, part) => both(root.authority, part.authority, narrower),
  headers: (root, part) => mergeMaps(root.headers, part.headers, narrower),
  queryParams: (root, part) => mergeMaps(root.queryParams, part.queryParams, narrower),
  // What both leave out is left out, so the wider one holds.
  withoutHeaders: (root, part) => mergeMaps(root.withoutHeaders, part.withoutHeaders, wider),
  sourceLabels: (root, part) => mergeMaps(root.sourceLabels, part.sourceLabels, same),
  sourceNamespace: (root, part) =>
    both(root.sourceNamespace || undefined, part.sourceNamespace || undefined, same),
  port: (root, part) => both(root.port || undefined, part.port || undefined, same),
  // An empty list is as none.
  gateways: ({ gateways: outer }, { gateways: own }) =>
    both(outer?.length === 0 ? undefined : outer, own?.length === 0 ? undefined : own, (root, part) =>
      part.every((gateway) => root.includes(gateway)) ? part : CONFLICT,
    ),
};

function same<T extends string | number>(root: T, part: T): T | typeof CONFLICT {
  return root === part ? part : CONFLICT;
}

function narrower(root: StringMatch, part: StringMatch, ignoresCase = false): StringMatch | typeof CONFLICT {
  if (isWithin(part, root, ignoresCase)) return part;
  // `{}` asks for presence alone.
  return isAny(part) ? root : CONFLICT;
}

function wider(root: StringMatch, part: StringMatch): StringMatch | typeof CONFLICT {
  if (isWithin(part, root)) return root;
  return isWithin(root, part) ? part : CONFLICT;
}

function isAny({ exact, prefix, regex }: StringMatch): boolean {
  return exact === undefined && prefix === undefined && regex === undefined;
}

/** Whether all that `inner` matches is matched by `outer`, as far as it can be told: of regular expressions hardly. */
function isWithin(inner: StringMatch, outer: StringMatch, ignoresCase = false): boolean {
  if (isAny(outer)) return true;
  if (outer.regex !== undefined || inner.regex !== undefined) return inner.regex === outer.regex;
  const folded = (text: string | undefined) => (ignoresCase ? text?.toLowerCase() : text);
  if (outer.exact !== undefined) return folded(inner.exact) === folded(outer.exact);
  const text = folded(inner.exact ?? inner.prefix);
  return text?.startsWith(folded(outer.prefix) ?? "") ?? false;
}

function mergeMaps<V>(
  root: Readonly<Record<string, V>> | undefined,
  part: Readonly<Record<string, V>> | undefined,
  narrow: (root: V, part: V) => V | typeof CONFLICT,
): Readonly<Record<string, V>> | typeof CONFLICT | undefined {
  if (root === undefined || part === undefined) return root ?? part;
  const merged: Record<string, V> = { ...root };
  for (const [key, own] of Object.entries(part)) {
    const outer = root[key];
    const value = outer === undefined ? own : narrow(outer, own);
    if (value === CONFLICT) return CONFLICT;
    merged[key] = value as V;
  }
  return merged;
}
