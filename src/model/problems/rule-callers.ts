// Whether a rule may let a caller in, by who the caller is: what else the rule asks for is taken to be so.

import type {
  AuthorizationCondition,
  AuthorizationRule,
  AuthorizationSource,
} from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import type { MeshSettings } from "../mesh-settings.ts";

/** A workload of the mesh by its certificate; undefined: somebody without one. */
export type RuleCaller = { readonly namespace: string; readonly serviceAccount: string } | undefined;

interface CallerContext {
  /** The policy's. */
  readonly namespace: string;
  readonly settings: Pick<MeshSettings, "trustDomain" | "trustDomainAliases">;
}

export function mayLetIn(
  { from = [], when = [] }: AuthorizationRule,
  caller: RuleCaller,
  context: CallerContext,
): boolean {
  const names = namesOf(caller, context);
  const sources = from.length === 0 || from.some(({ source = {} }) => isSource(source, names));
  return sources && when.every((condition) => holds(condition, names));
}

interface CallerNames {
  readonly principals: readonly string[];
  readonly namespaces: readonly string[];
  readonly accounts: readonly string[];
}

function namesOf(caller: RuleCaller, { namespace, settings }: CallerContext): CallerNames {
  if (caller === undefined) return { principals: [], namespaces: [], accounts: [] };
  const domains = [settings.trustDomain, ...settings.trustDomainAliases];
  const { serviceAccount } = caller;
  return {
    principals: domains.map((domain) => `${domain}/ns/${caller.namespace}/sa/${serviceAccount}`),
    namespaces: [caller.namespace],
    accounts: [
      `${caller.namespace}/${serviceAccount}`,
      ...(caller.namespace === namespace ? [serviceAccount] : []),
    ],
  };
}

function isSource(source: AuthorizationSource, names: CallerNames): boolean {
  return (
    isAmong(source.principals, source.notPrincipals, names.principals) &&
    isAmong(source.namespaces, source.notNamespaces, names.namespaces) &&
    isAmong(source.serviceAccounts, source.notServiceAccounts, names.accounts)
  );
}

function holds({ key, values, notValues }: AuthorizationCondition, names: CallerNames): boolean {
  switch (key) {
    case "source.principal":
      return isAmong(values, notValues, names.principals);
    case "source.namespace":
      return isAmong(values, notValues, names.namespaces);
    case "source.serviceAccount":
      return isAmong(values, notValues, names.accounts);
    default:
      return true;
  }
}

function isAmong(
  wanted: readonly string[] = [],
  unwanted: readonly string[] = [],
  names: readonly string[],
): boolean {
  const isOneOf = (patterns: readonly string[]) =>
    patterns.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
  return (wanted.length === 0 || isOneOf(wanted)) && !isOneOf(unwanted);
}

/** As in Istio: `*` is at one end, or all. */
export function matchesPattern(pattern: string, text: string): boolean {
  if (pattern === "*") return text !== "";
  if (pattern.endsWith("*")) return text.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith("*")) return text.endsWith(pattern.slice(1));
  return text === pattern;
}
