// The labels that rules ask of clients: those that DestinationRules select, and `sourceLabels` of VirtualServices. They
// are all that labels may be asked for, so clients that match the same of them are told the same.

import type { Labels } from "../core/label-selector.ts";
import { matchesLabels } from "../core/label-selector.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { HostRule } from "./destination-rules.ts";
import type { HostRoutes } from "./host-routes.ts";
import { isVisibleTo, type Visibility } from "./visibility.ts";

interface ClientSelector {
  readonly id: string;
  /** At least one. */
  readonly labels: Labels;
  /** The clients that may be asked. */
  readonly audience: Visibility;
}

export interface ClientSelectors {
  /** By one of the labels, as `labelPair` writes it. */
  readonly byLabel: Index<ClientSelector>;
  /** One row: the keys of these labels. */
  readonly labelKeys: Table<readonly string[]>;
  /** By `audienceKey`. */
  readonly declared: Table<true>;
}

interface Askers {
  readonly hostRules: Table<HostRule>;
  readonly hostRoutes: Table<HostRoutes>;
}

export function declareClientSelectors(graph: Graph, { hostRules, hostRoutes }: Askers): ClientSelectors {
  const ofRules = graph.derive<HostRule, ClientSelector>({
    name: "client selectors of host rules",
    from: hostRules,
    rows: (key, { clientLabels, visibility }) =>
      selectorOf(clientLabels, visibility).map((selector) => [`rule ${key}`, selector]),
  });
  const ofRoutes = graph.derive<HostRoutes, ClientSelector>({
    name: "client selectors of host routes",
    from: hostRoutes,
    rows: (key, routes) =>
      new Map(
        selectorsOf(routes).map((selector) => [
          `routes ${key} ${audienceKeys(selector).join(" ")}`,
          selector,
        ]),
      ),
  });
  const selectors = graph.union("client selectors", [ofRules, ofRoutes]);
  const byKey = graph.index(selectors, "client selectors by the key of a label", (selector) => [
    leadingLabel(selector)[0],
  ]);
  const keys = graph.keys("keys of labels that clients are asked for", byKey);
  return {
    byLabel: graph.index(selectors, "client selectors by label", (selector) => [
      labelPair(leadingLabel(selector)),
    ]),
    labelKeys: graph.deriveOne<readonly string[]>({
      name: "all keys of labels that clients are asked for",
      value: (read) => read.all(keys).map(([key]) => key),
    }),
    declared: graph.keys(
      "labels that clients may be asked for",
      graph.index(selectors, "client selectors by audience", audienceKeys),
    ),
  };
}

/** Equal for equal labels, and for no others. */
export function selectorId(labels: Labels): string {
  return Object.entries(labels).map(labelPair).sort().join(",");
}

/** The ids of all selectors that a client matches, of those that it may be asked for; sorted. */
export function matchingSelectors(
  { namespace, labels }: { readonly namespace: string; readonly labels: Labels },
  { byLabel, labelKeys }: ClientSelectors,
  read: Read,
): readonly string[] {
  const ids = new Set<string>();
  for (const key of read.one(labelKeys)) {
    const value = labels[key];
    if (value === undefined) continue;
    for (const [, selector] of read.find(byLabel, labelPair([key, value]))) {
      if (isVisibleTo(selector.audience, namespace) && matchesLabels(selector.labels, labels))
        ids.add(selector.id);
    }
  }
  return [...ids].sort();
}

/** Whether some rule may ask clients of this namespace for the labels; `""` is of no namespace. */
export function isDeclaredSelector(
  id: string,
  namespace: string,
  { declared, read }: Pick<ClientSelectors, "declared"> & { readonly read: Read },
): boolean {
  return (
    read.get(declared, audienceKey(id)) !== undefined ||
    (namespace !== "" && read.get(declared, audienceKey(id, namespace)) !== undefined)
  );
}

function selectorsOf({ visibility, http, tcp, tls }: HostRoutes): readonly ClientSelector[] {
  const matches = [
    ...http.flatMap(({ rule }) => rule.match ?? []),
    ...tcp.flatMap(({ match }) => match ?? []),
    ...tls.flatMap(({ match }) => match),
  ];
  return matches.flatMap(({ sourceLabels, sourceNamespace }) =>
    selectorOf(sourceLabels, narrowed(visibility, sourceNamespace)),
  );
}

/** None without labels, which every client matches. */
function selectorOf(labels: Labels | undefined, audience: Visibility): readonly ClientSelector[] {
  if (labels === undefined || Object.keys(labels).length === 0) return [];
  return [{ id: selectorId(labels), labels, audience }];
}

function narrowed(visibility: Visibility, namespace: string | undefined): Visibility {
  if (namespace === undefined) return visibility;
  return { namespaces: isVisibleTo(visibility, namespace) ? [namespace] : [] };
}

/** The first by key. */
function leadingLabel({ labels }: ClientSelector): readonly [string, string] {
  const [first] = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  if (first === undefined) throw new Error("unreachable: a selector has labels");
  return first;
}

function labelPair([key, value]: readonly [string, string]): string {
  return `${escapeIdPart(key)}=${escapeIdPart(value)}`;
}

/** What ids are put together by stays out of their parts, which clients may have written. */
export function escapeIdPart(part: string): string {
  return part.replaceAll(/[%=,;@|^ ]/g, (character) => encodeURIComponent(character));
}

function audienceKeys({ id, audience }: ClientSelector): readonly string[] {
  if (audience === "public") return [audienceKey(id)];
  return audience.namespaces.map((namespace) => audienceKey(id, namespace));
}

function audienceKey(id: string, namespace?: string): string {
  return namespace === undefined ? id : `${id} in ${namespace}`;
}
