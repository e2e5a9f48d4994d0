// Who asks, as Principals of Envoy's RBAC: sources, and the conditions on who asks and with what.

import { authorizationPolicyKind } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationSource } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { addressRange } from "./address-range.ts";
import { anyOf, type Clause, type PrincipalInit, principals, type Translate, together } from "./clause.ts";
import { claimListMatcher, claimMatcher, type MetadataMatcherInit } from "./metadata-matcher.ts";
import { headerPattern } from "./operations.ts";
import type { RuleContext } from "./rule-context.ts";
import {
  ANY_STRING,
  exact,
  quoteRegex,
  regex,
  type StringMatcherInit,
  stringPattern,
  stringPatternAfter,
} from "./string-pattern.ts";
import { expandTrustDomains, principalsOfTrustDomains } from "./trust-domains.ts";

const SPIFFE = "spiffe://";

export const sourceFields: readonly ClaimedField[] = claims(
  authorizationPolicyKind,
  "spec.rules[].from[].source",
  [
    ...(["principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals"] as const),
    ...(["namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts"] as const),
    ...(["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"] as const),
    ...(["trustDomains", "notTrustDomains"] as const),
  ],
);

export function sourceClauses(
  source: AuthorizationSource,
  context: RuleContext,
): readonly Clause<PrincipalInit>[] {
  const clause = (key: string, values: readonly string[] = [], notValues: readonly string[] = []) => {
    const translate = sourceCondition(key, context);
    if (translate === undefined) throw new Error(`no attribute "${key}"`);
    return { values, notValues, translate };
  };
  return [
    clause("source.trustDomain", source.trustDomains, source.notTrustDomains),
    clause("source.principal", source.principals, source.notPrincipals),
    clause("request.auth.principal", source.requestPrincipals, source.notRequestPrincipals),
    clause("source.serviceAccount", source.serviceAccounts, source.notServiceAccounts),
    clause("source.namespace", source.namespaces, source.notNamespaces),
    clause("remote.ip", source.remoteIpBlocks, source.notRemoteIpBlocks),
    clause("source.ip", source.ipBlocks, source.notIpBlocks),
  ];
}

/** Of a condition on who asks; undefined where the key is of another kind. */
export function sourceCondition(key: string, context: RuleContext): Translate<PrincipalInit> | undefined {
  switch (key) {
    case "source.ip":
      return anyOf(principals, (value) => address("directRemoteIp", value));
    case "remote.ip":
      return anyOf(principals, (value) => address("remoteIp", value));
    case "source.namespace":
      return anyOf(principals, (value) => authenticated(namespacePattern(value)));
    case "source.serviceAccount":
      return anyOf(principals, (value) => authenticated(serviceAccountPattern(value, context.namespace)));
    case "source.trustDomain":
      return trustDomains(context);
    case "source.principal":
      return sourcePrincipals(context);
    default:
      return requestCondition(key, context);
  }
}

/** Of an HTTP request: none of them can be said of a TCP connection. */
function requestCondition(key: string, { transport }: RuleContext): Translate<PrincipalInit> | undefined {
  const translate = translateRequestCondition(key);
  if (translate === undefined || transport === "http") return translate;
  return together<PrincipalInit>(() => undefined);
}

function translateRequestCondition(key: string): Translate<PrincipalInit> | undefined {
  if (key === "request.auth.principal") return together(requestPrincipals);
  if (key === "request.auth.audiences")
    return together((values) => metadata(claimListMatcher(["aud"], values)));
  if (key === "request.auth.presenter")
    return together((values) => metadata(claimListMatcher(["azp"], values)));
  if (key.startsWith("request.auth.claims")) {
    const path = bracketed(key.slice("request.auth.claims".length));
    return together((values) => (path === undefined ? undefined : metadata(claimListMatcher(path, values))));
  }
  if (!key.startsWith("request.headers")) return undefined;
  // Of the names that Envoy takes.
  const [, name] = /^\[([^\0\r\n]+)\]$/.exec(key.slice("request.headers".length)) ?? [];
  return anyOf(principals, (value) =>
    name === undefined ? undefined : { identifier: { case: "header", value: headerPattern(name, value) } },
  );
}

/** `[a][b]` → a, b; undefined for another form. */
function bracketed(text: string): readonly string[] | undefined {
  return /^(\[[^[\]]+\])+$/.test(text) ? text.slice(1, -1).split("][") : undefined;
}

function sourcePrincipals({ trustDomains: domains }: RuleContext): Translate<PrincipalInit> {
  const translate = anyOf(principals, (value) => authenticated(stringPatternAfter(SPIFFE, value)));
  return (values) => translate(values.flatMap((value) => principalsOfTrustDomains(value, domains)));
}

function trustDomains({ trustDomains: domains }: RuleContext): Translate<PrincipalInit> {
  const translate = anyOf(principals, (value) => authenticated(trustDomainPattern(value)));
  return (values) => translate(expandTrustDomains(values, domains));
}

function trustDomainPattern(value: string): StringMatcherInit {
  if (!value.includes("*")) return { matchPattern: { case: "prefix", value: `${SPIFFE}${value}/` } };
  return regex(`${SPIFFE}${withWildcards(value, "[^/]*")}/.*`);
}

function namespacePattern(value: string): StringMatcherInit {
  return regex(`.*/ns/${withWildcards(value, ".*")}/.*`);
}

function withWildcards(text: string, wildcard: string): string {
  return quoteRegex(text).replaceAll("\\*", wildcard);
}

/** `namespace/name`, or a name in the policy's own namespace. An identity may hold more parts than those two. */
function serviceAccountPattern(value: string, ownNamespace: string): StringMatcherInit {
  const slash = value.indexOf("/");
  const namespace = slash === -1 ? ownNamespace : value.slice(0, slash);
  const name = value.slice(slash + 1);
  return regex(`${SPIFFE}.+/ns/${quoteRegex(namespace)}/(.+/|)sa/${quoteRegex(name)}(/.+)?`);
}

/** `issuer/subject`: issuers are often URLs, so the last slash parts them. */
function requestPrincipals(values: readonly string[]): PrincipalInit | undefined {
  const all = values.map((value) => {
    const { issuer, subject } = requestPrincipal(value);
    return principals.and([
      metadata(claimMatcher(["iss"], issuer)),
      metadata(claimMatcher(["sub"], subject)),
    ]);
  });
  return all.length === 1 ? all[0] : principals.or(all);
}

function requestPrincipal(value: string): { issuer: StringMatcherInit; subject: StringMatcherInit } {
  const slash = value.lastIndexOf("/");
  if (slash === -1) {
    if (value === "*") return { issuer: ANY_STRING, subject: ANY_STRING };
    if (value.startsWith("*")) return { issuer: ANY_STRING, subject: stringPattern(value) };
    return { issuer: stringPattern(value), subject: value.endsWith("*") ? ANY_STRING : exact("") };
  }
  const [issuer, subject] = [value.slice(0, slash), value.slice(slash + 1)];
  // One wildcard, at the start or at the end of the whole: elsewhere a star is itself.
  if (value.startsWith("*")) return { issuer: stringPattern(issuer), subject: exact(subject) };
  return { issuer: exact(issuer), subject: value.endsWith("*") ? stringPattern(subject) : exact(subject) };
}

function authenticated(principalName: StringMatcherInit): PrincipalInit {
  return { identifier: { case: "authenticated", value: { principalName } } };
}

function address(side: "directRemoteIp" | "remoteIp", value: string): PrincipalInit | undefined {
  const range = addressRange(value);
  return range === undefined ? undefined : { identifier: { case: side, value: range } };
}

// Deprecated in Envoy in favour of a custom matcher, which says no more: `metadata` is what every version takes.
function metadata(value: MetadataMatcherInit): PrincipalInit {
  return { identifier: { case: "metadata", value } };
}
