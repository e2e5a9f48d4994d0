// DestinationRules for one host in one namespace are merged; what a younger one repeats is lost.

import { parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { DestinationRule } from "../../kinds/destination-rule/destination-rule.ts";
import type { HostRule } from "../destination-rules.ts";
import { findNamed } from "../host-table.ts";
import { byAge } from "../service.ts";
import { rowKey } from "../sources.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkRuleSubsets(object: DestinationRule, context: CheckContext): Iterable<Problem> {
  const { read, model } = context;
  const { namespace, name } = object.metadata;
  const own = read.get(model.hostRules.table, rowKey(namespace, name));
  if (own === undefined) return;
  const older = findNamed(read, model.hostRules.hosts, own.hostname)
    .map(([, rule]) => rule)
    .filter((rule) => rule.namespace === namespace && isForSameClients(rule, own) && byAge(rule, own) < 0);
  for (const [at, subset] of own.subsets.entries()) {
    const first = older.find((rule) => rule.subsets.some((each) => each.name === subset.name));
    if (first === undefined) continue;
    yield problemAt(object, `spec.subsets[${at}]`, {
      code: "MLT2010",
      message: `Subset "${subset.name}" is defined by DestinationRule "${nameOf(first)}" too, which is older and holds`,
    });
  }
  const leading = older.find((rule) => rule.trafficPolicy !== undefined);
  if (own.trafficPolicy !== undefined && leading !== undefined) {
    yield problemAt(object, "spec.trafficPolicy", {
      code: "MLT2010",
      message: `DestinationRule "${nameOf(leading)}" for the same host is older, and its traffic policy holds`,
    });
  }
}

function isForSameClients(a: HostRule, b: HostRule): boolean {
  return JSON.stringify(a.clientLabels) === JSON.stringify(b.clientLabels);
}

function nameOf({ object }: HostRule): string {
  return parseObjectKey(object).name;
}
