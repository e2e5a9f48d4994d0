// One line of a rule, such as `ports` with `notPorts`, as a matcher of Envoy's RBAC: a Permission or a Principal, which
// are combined alike.

import type { PermissionSchema, PrincipalSchema } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { Plain } from "../encode.ts";

export type PermissionInit = Plain<typeof PermissionSchema>;
export type PrincipalInit = Plain<typeof PrincipalSchema>;

export interface Logic<Match> {
  readonly any: Match;
  and(matches: readonly Match[]): Match;
  or(matches: readonly Match[]): Match;
  not(match: Match): Match;
}

export const permissions: Logic<PermissionInit> = {
  any: { rule: { case: "any", value: true } },
  and: (rules) => ({ rule: { case: "andRules", value: { rules: [...rules] } } }),
  or: (rules) => ({ rule: { case: "orRules", value: { rules: [...rules] } } }),
  not: (rule) => ({ rule: { case: "notRule", value: rule } }),
};

export const principals: Logic<PrincipalInit> = {
  any: { identifier: { case: "any", value: true } },
  and: (ids) => ({ identifier: { case: "andIds", value: { ids: [...ids] } } }),
  or: (ids) => ({ identifier: { case: "orIds", value: { ids: [...ids] } } }),
  not: (id) => ({ identifier: { case: "notId", value: id } }),
};

/** What values come to. Incomplete: some, or all, can't be said to Envoy, or not for a TCP connection. */
export interface Translation<Match> {
  readonly match: Match | undefined;
  readonly isComplete: boolean;
}

export type Translate<Match> = (values: readonly string[]) => Translation<Match>;

export interface Clause<Match> {
  readonly values: readonly string[];
  readonly notValues: readonly string[];
  readonly translate: Translate<Match>;
}

/** Any of the values; `undefined` for a value that can't be said. */
export function anyOf<Match>(
  logic: Logic<Match>,
  matchOf: (value: string) => Match | undefined,
): Translate<Match> {
  return (values) => {
    const matches = values.flatMap((value) => matchOf(value) ?? []);
    const match = matches.length === 0 ? undefined : logic.or(matches);
    return { match, isComplete: matches.length === values.length };
  };
}

/** The values together as one matcher; `undefined` where they can't be said. */
export function together<Match>(matchOf: (values: readonly string[]) => Match | undefined): Translate<Match> {
  return (values) => {
    const match = matchOf(values);
    return { match, isComplete: match !== undefined };
  };
}

/**
 * A line that can't be said as a whole is left out, or of `notValues` those that can't, which makes a rule match more.
 * `strict` returns undefined instead: a rule that lets requests through must not.
 */
export function allOf<Match>(
  logic: Logic<Match>,
  clauses: readonly Clause<Match>[],
  mode: "strict" | "lenient",
): Match | undefined {
  const matches: Match[] = [];
  for (const { values, notValues, translate } of clauses) {
    const positive = values.length === 0 ? NOTHING : translate(values);
    const negative = notValues.length === 0 ? NOTHING : translate(notValues);
    if (mode === "strict" && !(positive.isComplete && negative.isComplete)) return undefined;
    if (positive.match !== undefined && positive.isComplete) matches.push(positive.match);
    if (negative.match !== undefined) matches.push(logic.not(negative.match));
  }
  return logic.and(matches.length === 0 ? [logic.any] : matches);
}

const NOTHING = { match: undefined, isComplete: true } as const;
