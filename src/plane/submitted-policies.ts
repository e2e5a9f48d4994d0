// Problems of policies as they are submitted, for whoever writes them. Nobody else waits for it: each check has a turn of the
// event loop to itself, one policy is looked at at a time, and all of it is bounded. What doesn't fit isn't said.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Problem } from "../core/problem.ts";
import { budgetedRead, ReadBudgetSpent } from "../graph/budgeted-read.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { type SubmissionContext, submittedPolicyChecks } from "../model/problems/submitted-policy.ts";

export type SubmittedProblems = (object: KubernetesObject) => Promise<readonly Problem[]>;

export interface SubmittedPoliciesOptions extends Omit<SubmissionContext, "read"> {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: SubmissionLimits;
}

export interface SubmissionLimits {
  /** Of objects, the one that is looked at among them. */
  readonly maxWaiting: number;
  /** Of waiting and looking together: an API server waits for ten seconds. */
  readonly maxMs: number;
  /** Of the mesh's tables, for each object: some tens of milliseconds. */
  readonly maxRows: number;
}

const LIMITS: SubmissionLimits = { maxWaiting: 16, maxMs: 2_000, maxRows: 200_000 };

export function createSubmittedProblems(options: SubmittedPoliciesOptions): SubmittedProblems {
  const { clock, limits = LIMITS } = options;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return (object) => {
    if (waiting >= limits.maxWaiting) return Promise.resolve([]);
    waiting += 1;
    const endsAtMs = clock.now() + limits.maxMs;
    const found = last.then(() => problemsOf(object, endsAtMs, options));
    last = found.finally(() => {
      waiting -= 1;
    });
    return found;
  };
}

async function problemsOf(
  object: KubernetesObject,
  endsAtMs: number,
  { clock, log, limits = LIMITS, ...mesh }: SubmittedPoliciesOptions,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const checks = submittedPolicyChecks(object, { ...mesh, read: budgetedRead(limits.maxRows) });
  for (const check of checks) {
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.now() > endsAtMs) break;
    try {
      problems.push(...check());
    } catch (error) {
      if (error instanceof ReadBudgetSpent) break;
      log.error({ kind: object.kind, error }, "check of a submitted policy failed");
    }
  }
  return problems;
}
