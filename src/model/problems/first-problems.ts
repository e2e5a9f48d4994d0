// As many Problems of one sort as anybody reads: an object may be made so that it has tens of thousands.

import type { Problem } from "../../core/problem.ts";

const MAX_PROBLEMS = 100;

export function firstProblems(problems: Iterable<Problem>): readonly Problem[] {
  const first: Problem[] = [];
  for (const each of problems) {
    first.push(each);
    if (first.length === MAX_PROBLEMS) break;
  }
  return first;
}
