// Which tokens of end users a proxy's workload accepts. Workloads for which the same policies hold share one row.

import type { Read } from "../graph/read.ts";
import { type JwtRule, keyLocationOf } from "../kinds/request-authentication.ts";
import type { Model } from "../model/model.ts";
import { requestAuthenticationsOf } from "../model/request-authentications.ts";
import { keyOf } from "../model/sources.ts";
import {
  declarePolicySets,
  type PolicyRow,
  type PolicySet,
  type PolicySets,
  type PolicyTables,
} from "./policy-sets.ts";

/** What decides which row is a proxy's; equal for all that share it. */
export interface RequestAuthenticationChoice extends PolicySet {
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

export function declareRequestAuthentications(
  tables: PolicyTables,
): PolicySets<RequestAuthenticationChoice, RequestAuthenticationInputs> {
  const { model } = tables;
  return declarePolicySets(tables, {
    name: "request authentication",
    setOf(read, { isGateway, ...workload }) {
      const policies = requestAuthenticationsOf(read, model.requestAuthentications, workload);
      return { id: [isGateway ? "gateway" : "sidecar", ...policies].join(" "), isGateway, policies };
    },
    rowOf: (read, choice) => requestAuthenticationRow(read, model, choice),
  });
}

function requestAuthenticationRow(
  read: Read,
  model: Model,
  { policies, isGateway }: RequestAuthenticationChoice,
): PolicyRow<RequestAuthenticationInputs> {
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
  return { inputs: { issuers, isGateway }, provenance: objects.map((object) => ({ object: keyOf(object) })) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
