// Namespaces that an AuthorizationPolicy names and that don't exist. They may be yet to come, unless the name is nearly
// that of one that does.

import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkPolicyNamespaces(
  object: AuthorizationPolicy,
  { read, model, sources }: CheckContext,
): Iterable<Problem> {
  const unknown = [...namespacesIn(object)].filter(
    ({ value }) =>
      !value.includes("*") &&
      read.get(sources.Namespace, `/${value}`) === undefined &&
      read.find(model.workloads.byNamespace, value).length === 0,
  );
  if (unknown.length === 0) return;
  const declared = read.all(sources.Namespace).map(([, { metadata }]) => metadata.name);
  // Where none is declared, as with a directory of policies only, there is nothing to miss.
  if (declared.length === 0) return;
  for (const { value, path } of unknown) {
    const hint = spellingHint(value, declared);
    yield problemAt(object, path, {
      code: "MLT2040",
      severity: hint === undefined ? "info" : "warning",
      message: `There is no namespace "${value}", so this names nobody`,
      hint,
    });
  }
}

function* namespacesIn({ spec = {} }: AuthorizationPolicy) {
  for (const [rule, { from = [], when = [] }] of (spec.rules ?? []).entries()) {
    for (const [index, { source = {} }] of from.entries()) {
      for (const field of ["namespaces", "notNamespaces"] as const) {
        for (const [at, value] of (source[field] ?? []).entries())
          yield { value, path: `spec.rules[${rule}].from[${index}].source.${field}[${at}]` };
      }
    }
    for (const [index, { key, values = [] }] of when.entries()) {
      if (key !== "source.namespace") continue;
      for (const [at, value] of values.entries())
        yield { value, path: `spec.rules[${rule}].when[${index}].values[${at}]` };
    }
  }
}
