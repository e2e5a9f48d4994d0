// What would be wrong with a security policy if it were stored as it is: the checks of stored ones, on the mesh as it is now.
// Nothing is written, and nobody is told but who asks.

import type { Problem } from "../../core/problem.ts";
import type { Read } from "../../graph/read.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { Model } from "../model.ts";
import type { Sources } from "../sources.ts";
import type { Check } from "./check.ts";
import { firstProblems } from "./first-problems.ts";
import { policyChecks } from "./policy-checks.ts";
import type { ProblemIndexes } from "./problem-indexes.ts";

export interface SubmissionContext {
  readonly read: Read;
  readonly sources: Sources;
  readonly model: Model;
  readonly indexes: ProblemIndexes;
}

/** One function for each check, so that they may be called one by one; none for objects of other kinds. */
export function submittedPolicyChecks(
  object: KubernetesObject,
  { read, ...mesh }: SubmissionContext,
): readonly (() => readonly Problem[])[] {
  if (!Object.hasOwn(policyChecks, object.kind)) return [];
  // Each list's checks are for objects of its kind; the name that picks the list is the object's own.
  const checks = policyChecks[object.kind as keyof typeof policyChecks] as readonly Check<never>[];
  const settings = mesh.model.settings;
  return checks.map((check) => () => {
    const found = firstProblems(check(object as never, { ...mesh, read, settings: read.one(settings) }));
    return found.filter((problem) => !isOfLater(problem));
  });
}

/** Keys are fetched when the policy is stored, and that others lack a policy is no matter of this one. */
function isOfLater({ code, severity }: Problem): boolean {
  return severity === "info" && (code === "MLT2024" || code === "MLT2048");
}
