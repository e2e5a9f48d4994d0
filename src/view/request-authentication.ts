// Which tokens of end users a proxy's workload accepts. Workloads for which the same policies hold share one row.

import { type JwtRule, keyLocationOf, type RequestAuthentication } from "../kinds/request-authentication.ts";
import type { PolicyContext } from "./policy-sets.ts";

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

export function requestAuthenticationInputs(
  objects: readonly RequestAuthentication[],
  { read, model, isGateway }: PolicyContext,
): RequestAuthenticationInputs {
  const { issuerKeys } = model.requestAuthentications;
  const issuers = objects
    .flatMap(({ spec }) => spec?.jwtRules ?? [])
    .map((rule): AcceptedIssuer => {
      const location = keyLocationOf(rule);
      const jwks = location === undefined ? rule.jwks : read.get(issuerKeys.found, location)?.jwks;
      return { rule, jwks };
    })
    .sort((a, b) => compare(a.rule.issuer ?? "", b.rule.issuer ?? ""));
  return { issuers, isGateway };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
