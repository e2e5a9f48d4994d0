// The keys of token issuers that are at a URL: which are wanted, and what whoever fetches them found. Nothing here
// fetches, and no clock decides: all replicas have the same rows, and so send the same bytes.

import { parseDurationMs } from "../core/duration.ts";
import type { Graph, Transaction } from "../graph/graph.ts";
import type { Row, SourceTable, Table } from "../graph/table.ts";
import {
  type KeyLocation,
  keyLocationOf,
  type RequestAuthentication,
} from "../kinds/request-authentication.ts";

/** What was found at a location. Without keys there never were any, or they are too old. */
export interface IssuerKeys {
  /** A JSON Web Key Set, as JSON. */
  readonly jwks?: string;
  /** When they were fetched, in ISO 8601. */
  readonly fetchedAt?: string;
  /** Why the last try failed; absent where it didn't. */
  readonly failure?: string;
}

export interface WantedKeys {
  /** Of one request: the longest that a rule allows; a rule that says nothing allows 5 s, as in Istio. */
  readonly timeoutMs: number;
  /** Of the policies, in order. */
  readonly namespaces: readonly string[];
}

export interface IssuerKeyTables {
  /** Rows by KeyLocation. */
  readonly wanted: Table<WantedKeys>;
  /** Rows by KeyLocation, written by whoever fetches or reads them. */
  readonly found: SourceTable<IssuerKeys>;
}

export function declareIssuerKeys(graph: Graph, policies: Table<RequestAuthentication>): IssuerKeyTables {
  const byLocation = graph.index(policies, "RequestAuthentications by key location", ({ spec }) => [
    ...new Set((spec?.jwtRules ?? []).flatMap((rule) => keyLocationOf(rule) ?? [])),
  ]);
  const wanted = graph.derive<readonly Row<RequestAuthentication>[], WantedKeys>({
    name: "wanted keys of issuers",
    from: graph.group("RequestAuthentications grouped by key location", byLocation),
    rows: (location, rows) => [
      [location, { timeoutMs: timeoutMs(location, rows), namespaces: namespacesOf(rows) }],
    ],
  });
  return { wanted, found: graph.source<IssuerKeys>("keys of issuers") };
}

const DEFAULT_TIMEOUT_MS = 5_000;

function timeoutMs(location: KeyLocation, rows: readonly Row<RequestAuthentication>[]): number {
  const rules = rows.flatMap(([, { spec }]) => spec?.jwtRules ?? []);
  const asked = rules
    .filter((rule) => keyLocationOf(rule) === location)
    .map(({ timeout }) => parseDurationMs(timeout ?? "") ?? DEFAULT_TIMEOUT_MS);
  return Math.max(...asked);
}

function namespacesOf(rows: readonly Row<RequestAuthentication>[]): readonly string[] {
  return [...new Set(rows.map(([, { metadata }]) => metadata.namespace ?? ""))].sort();
}

/** Makes the rows those of `records`, by location. */
export function writeIssuerKeys(
  transaction: Transaction,
  found: SourceTable<IssuerKeys>,
  records: ReadonlyMap<KeyLocation, IssuerKeys>,
): void {
  for (const [location] of found.entries()) if (!records.has(location)) transaction.delete(found, location);
  for (const [location, keys] of records) transaction.set(found, location, keys);
}
