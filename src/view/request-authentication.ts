// Which tokens of end users a proxy's workload accepts. Workloads for which the same policies hold share one row.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type JwtRule, keyLocationOf } from "../kinds/request-authentication.ts";
import type { Model } from "../model/model.ts";
import { requestAuthenticationsOf } from "../model/request-authentications.ts";
import { keyOf } from "../model/sources.ts";
import { type ConnectedProxy, workloadOf } from "./client-scope.ts";
import type { Provenance } from "./provenance.ts";
import { distinct } from "./shared-rows.ts";

/** What decides which row is a proxy's; equal for all that share it. */
export interface RequestAuthenticationChoice {
  /** Of its row: `sidecar`, or `gateway`, and the policies in order, such as `sidecar istio-system/all shop/web`. */
  readonly id: string;
  readonly isGateway: boolean;
  /** Row keys of RequestAuthentications. */
  readonly policies: readonly string[];
}

export interface AcceptedIssuer {
  readonly rule: JwtRule;
  /** The issuer's keys; undefined where there are none yet. */
  readonly jwks: string | undefined;
}

export interface RequestAuthenticationInputs {
  /** By issuer, as Istio orders them. */
  readonly issuers: readonly AcceptedIssuer[];
  /** A gateway's routes may depend on a token's claims. */
  readonly isGateway: boolean;
}

export interface RequestAuthenticationRow {
  readonly inputs: RequestAuthenticationInputs;
  readonly source: Provenance;
}

export interface RequestAuthenticationViews {
  /** Rows by the choice's id. */
  readonly table: Table<RequestAuthenticationRow>;
  /** By the proxy's key, for every connected proxy. */
  readonly ofProxy: Table<RequestAuthenticationChoice>;
}

export function declareRequestAuthenticationViews(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
): RequestAuthenticationViews {
  const ofProxy = graph.derive<ConnectedProxy, RequestAuthenticationChoice>({
    name: "request authentication of proxies",
    from: proxies,
    rows: (key, proxy, read) => [[key, requestAuthenticationOf(read, model, proxy)]],
  });
  const table = graph.derive<RequestAuthenticationChoice, RequestAuthenticationRow>({
    name: "request authentication",
    from: distinct(graph, "request authentication choices", ofProxy),
    rows: (id, choice, read) => [[id, requestAuthenticationRow(read, model, choice)]],
  });
  return { table, ofProxy };
}

export function requestAuthenticationOf(
  read: Read,
  model: Model,
  proxy: ConnectedProxy,
): RequestAuthenticationChoice {
  const labels = workloadOf(proxy, model, read)?.labels ?? proxy.labels;
  const { namespace, kind } = proxy;
  const policies = requestAuthenticationsOf(read, model.requestAuthentications, { namespace, labels });
  return {
    id: [kind === "router" ? "gateway" : "sidecar", ...policies].join(" "),
    isGateway: kind === "router",
    policies,
  };
}

function requestAuthenticationRow(
  read: Read,
  model: Model,
  { policies, isGateway }: RequestAuthenticationChoice,
): RequestAuthenticationRow {
  const { policies: kind, issuerKeys } = model.requestAuthentications;
  const objects = policies.flatMap((key) => read.get(kind.kind.table, key) ?? []);
  const issuers = objects
    .flatMap(({ spec }) => spec?.jwtRules ?? [])
    .map((rule): AcceptedIssuer => {
      const location = keyLocationOf(rule);
      const jwks = location === undefined ? rule.jwks : read.get(issuerKeys.found, location)?.jwks;
      return { rule, jwks };
    })
    .sort((a, b) => compare(a.rule.issuer ?? "", b.rule.issuer ?? ""));
  return { inputs: { issuers, isGateway }, source: objects.map((object) => ({ object: keyOf(object) })) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
