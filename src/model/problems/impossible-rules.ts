// Rules of AuthorizationPolicies that never match: what they want and what they exclude leave nothing, or they want a token
// where no token is checked.

import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationRule } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { type PolicyScope, scopeOf } from "../enforced-policies.ts";
import { policiesOfNamespace } from "../workload-policies.ts";
import { type CheckContext, problemAt, quoted } from "./check.ts";

export function* checkImpossibleRules(object: AuthorizationPolicy): Iterable<Problem> {
  for (const [index, rule] of (object.spec?.rules ?? []).entries()) {
    for (const { path, values, notValues } of pairsIn(rule)) {
      if (values.length === 0 || !values.every((value) => isExcluded(value, notValues))) continue;
      yield problemAt(object, `spec.rules[${index}].${path}`, {
        code: "MLT2046",
        message: `All that this wants (${quoted(values)}) is excluded beside it (${quoted(notValues)}), so it never matches`,
      });
    }
  }
}

interface Pair {
  /** Of what is wanted, in the rule. */
  readonly path: string;
  readonly values: readonly string[];
  readonly notValues: readonly string[];
}

type Lists = Readonly<Record<string, readonly string[] | undefined>>;

function* pairsIn({ from = [], to = [], when = [] }: AuthorizationRule): Iterable<Pair> {
  for (const [index, { source = {} }] of from.entries()) yield* pairsOf(source, `from[${index}].source`);
  for (const [index, { operation = {} }] of to.entries()) yield* pairsOf(operation, `to[${index}].operation`);
  for (const [index, { values = [], notValues = [] }] of when.entries())
    yield { path: `when[${index}].values`, values, notValues };
}

/** `paths` beside `notPaths`, and so on. */
function* pairsOf(lists: Lists, path: string): Iterable<Pair> {
  for (const [name, values = []] of Object.entries(lists)) {
    const notValues = lists[`not${name.charAt(0).toUpperCase()}${name.slice(1)}`] ?? [];
    if (notValues.length > 0) yield { path: `${path}.${name}`, values, notValues };
  }
}

/** Whatever matches `value`, as a pattern, matches one of `excluded`. */
function isExcluded(value: string, excluded: readonly string[]): boolean {
  return excluded.some((each) => {
    if (each === value || each === "*") return true;
    // A template's braces stand for more than one text.
    if (value.includes("{") || each.includes("{")) return false;
    if (each.endsWith("*")) return !value.startsWith("*") && value.startsWith(each.slice(0, -1));
    return each.startsWith("*") && !value.endsWith("*") && value.endsWith(each.slice(1));
  });
}

/** A CUSTOM policy can't know of tokens at all, and is told so elsewhere. */
export function* checkUncheckedTokens(object: AuthorizationPolicy, context: CheckContext): Iterable<Problem> {
  const { action = "ALLOW", rules = [] } = object.spec ?? {};
  if (action === "CUSTOM") return;
  let isChecked: boolean | undefined;
  for (const [index, rule] of rules.entries()) {
    const path = wantedToken(rule);
    if (path === undefined) continue;
    isChecked ??= checksTokens(object, context);
    if (isChecked) return;
    yield problemAt(object, `spec.rules[${index}].${path}`, {
      code: "MLT2046",
      message:
        "No RequestAuthentication is for the policy's workloads, so no request has a token that counts, and the rule never matches",
      hint: "a RequestAuthentication for the same workloads checks tokens and makes them known",
    });
  }
}

/** Where one source or operation can do without, the rule can. */
function wantedToken({ from = [], when = [] }: AuthorizationRule): string | undefined {
  const condition = when.findIndex(
    ({ key, values = [] }) => key.startsWith("request.auth.") && values.length > 0,
  );
  if (condition !== -1) return `when[${condition}].key`;
  const wants = from.map(({ source: { requestPrincipals = [] } = {} }) => requestPrincipals.length > 0);
  return from.length > 0 && wants.every(Boolean) ? "from[0].source.requestPrincipals" : undefined;
}

function checksTokens(object: AuthorizationPolicy, { read, model, settings }: CheckContext): boolean {
  const { scopes, table } = model.enforcedPolicies.RequestAuthentication;
  const { namespace } = object.metadata;
  if (namespace === settings.rootNamespace) return read.all(table).length > 0;
  const { choice } = scopeOf(object);
  return policiesOfNamespace(read, scopes, namespace).some((scope) => mayMeet(scope.choice, choice));
}

/** Some workload may have what both choose. */
function mayMeet(
  { labels = {} }: PolicyScope["choice"],
  { labels: others = {} }: PolicyScope["choice"],
): boolean {
  return Object.entries(labels).every(([key, value]) => (others[key] ?? value) === value);
}
