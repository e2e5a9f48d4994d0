// What trials speak of: a field that no policy has, or that decides nothing, isn't tried.

import type { Call } from "./call.ts";
import { evaluate, type Verdict } from "./evaluator.ts";
import { CONTEXT, type PolicySet } from "./policy-set.ts";

export interface Trial {
  readonly name: string;
  readonly set: PolicySet;
  readonly call: Call;
  readonly wanted: Verdict;
}

const FIELDS = [
  ...["principals", "requestPrincipals", "namespaces", "serviceAccounts", "trustDomains"],
  ...["ipBlocks", "remoteIpBlocks", "hosts", "ports", "methods", "paths"],
].flatMap((field) => [field, `not${field[0]?.toUpperCase()}${field.slice(1)}`]);

const KEYS = [
  ...["source.ip", "remote.ip", "source.namespace", "source.principal", "source.serviceAccount"],
  ...["destination.ip", "destination.port", "connection.sni", "request.headers[X-One]"],
  ...["request.auth.principal", "request.auth.audiences", "request.auth.presenter"],
  ...["request.auth.claims[groups]", "request.auth.claims[org][unit]", "request.auth.claims[level]"],
  ...["experimental.envoy.filters.test[zone]", "experimental.envoy.filters.test[tags]"],
];

const VERDICTS = ["allowed http", "denied http", "allowed tcp", "denied tcp"];

export interface Coverage {
  /** How many trials have a policy with the field, by field; and how many are for each verdict. */
  readonly counts: Readonly<Record<string, number>>;
  /** What no trial has; or, of verdicts, less than one of ten. */
  readonly missing: readonly string[];
}

export function coverageOf(trials: readonly Trial[]): Coverage {
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  for (const { set, call, wanted } of trials) {
    count(`${wanted} ${call.transport}`);
    const text = JSON.stringify(set.policies.map(({ spec }) => spec));
    for (const field of FIELDS) if (text.includes(`"${field}":`)) count(field);
    for (const key of KEYS) if (text.includes(`"${key}"`)) count(key);
    if (isDecidedByOne(set, call, wanted)) count("decided by one policy of several");
  }
  const wantedCounts = [...FIELDS, ...KEYS, "decided by one policy of several"];
  return {
    counts,
    missing: [
      ...wantedCounts.filter((what) => (counts[what] ?? 0) === 0),
      ...VERDICTS.filter((verdict) => (counts[verdict] ?? 0) < trials.length / 50),
    ],
  };
}

/** Without some one of the policies it would be decided otherwise. */
function isDecidedByOne({ policies }: PolicySet, call: Call, wanted: Verdict): boolean {
  return (
    policies.length > 1 &&
    policies.some((policy) => {
      const others = policies.filter((each) => each !== policy);
      return evaluate(others, call, CONTEXT) !== wanted;
    })
  );
}
