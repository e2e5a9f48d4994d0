// Policies with calls whose verdicts were written by hand.

import type { Call } from "../call.ts";
import { IDENTITIES } from "../credentials.ts";
import type { Place } from "../enforcing-envoy.ts";
import type { CallPart, Written } from "../policy-set.ts";

export interface HandPicked {
  readonly name: string;
  readonly policies: readonly Written[] | ((place: Place) => readonly Written[]);
  readonly allowed: readonly CallPart[];
  readonly denied: readonly CallPart[];
}

export const [WEB, DEV, ROOT, OLD, FOREIGN] = IDENTITIES;

export const callers: Readonly<Record<string, Call["identity"]>> = {
  ...{ web: WEB, dev: DEV, root: ROOT, old: OLD, foreign: FOREIGN },
  ...{ other: "other", none: "none" },
};

export type Rule = NonNullable<Written["rules"]>[number];
type Source = NonNullable<NonNullable<NonNullable<Rule["from"]>[number]>["source"]>;
export type Operation = NonNullable<NonNullable<NonNullable<Rule["to"]>[number]>["operation"]>;

/** Of all callers those that are named get in, by any of these rules. */
export function whoMay(rules: readonly Rule[], names: string, part: CallPart = {}): HandPicked {
  const may = names.split(" ");
  const parts = Object.entries(callers).map(([name, identity]) => ({ name, call: { ...part, identity } }));
  const isAllowed = ({ name }: { readonly name: string }) => may.includes(name);
  return {
    name: JSON.stringify(rules),
    policies: [{ rules }],
    allowed: parts.filter(isAllowed).map(({ call }) => call),
    denied: parts.filter((each) => !isAllowed(each)).map(({ call }) => call),
  };
}

export const from = (source: Source): Rule => ({ from: [{ source }] });
export const when = (key: string, values: readonly string[], notValues: readonly string[] = []): Rule => ({
  when: [{ key, ...(values.length > 0 ? { values } : {}), ...(notValues.length > 0 ? { notValues } : {}) }],
});
export const EVERYBODY = "web dev root old foreign other none";

export const REALM = "https://idp.example/realm";
export const ALICE = { iss: REALM, sub: "alice", aud: ["shop", "api"], azp: "app-1", groups: ["dev", "ops"] };
export const BOB = {
  iss: "plain",
  sub: "bob",
  aud: "shop",
  level: 3,
  org: { unit: { name: "it" }, tags: ["a", "b"] },
};
