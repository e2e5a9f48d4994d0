// AuthorizationPolicies with errors, of which no good version is known: what is closed by that, and how to open it.

import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import { isRefusedPolicy } from "../../kinds/authorization-policy/refused-policy.ts";
import { type CheckContext, problemAt, quoted } from "./check.ts";
import { labelKey } from "./problem-indexes.ts";

export function* checkRefusedPolicy(object: AuthorizationPolicy, context: CheckContext): Iterable<Problem> {
  if (!isRefusedPolicy(object)) return;
  yield problemAt(object, "", {
    code: "MLT2034",
    message: `The policy has errors, and no earlier version of it is known, so ${closed(object, context)} refuse all traffic`,
    hint: "fix the reported errors, or delete the policy",
  });
}

function closed({ metadata, spec = {} }: AuthorizationPolicy, { settings }: CheckContext): string {
  const { selector, targetRef, targetRefs = [] } = spec;
  const targets = targetRef === undefined ? targetRefs : [targetRef, ...targetRefs];
  if (targets.length > 0) return `the targets ${quoted(targets.map(({ kind, name }) => `${kind} ${name}`))}`;
  const labels = Object.entries(selector?.matchLabels ?? {}).map(labelKey);
  const who = labels.length === 0 ? "all pods" : `pods with the labels ${quoted(labels)}`;
  const isRoot = metadata.namespace === settings.rootNamespace;
  return isRoot ? `${who} of the mesh` : `${who} in namespace "${metadata.namespace}"`;
}
