// Problems that stand, by where they come from; tells which came and which went. Each source always says all
// of its own, and what two of them say is one problem.

import type { Problem } from "../core/problem.ts";

export interface ProblemLedger {
  /** Replaces all problems of a source. */
  update(source: string, problems: readonly Problem[]): void;
}

export function problemLedger(listeners: {
  readonly onAppear: (problem: Problem) => void;
  readonly onGone: (problem: Problem) => void;
}): ProblemLedger {
  const problemsBySource = new Map<string, ReadonlyMap<string, Problem>>();
  return {
    update(source, problems) {
      const before = problemsBySource.get(source) ?? new Map<string, Problem>();
      const now = new Map(problems.map((problem) => [identityOf(problem), problem]));
      problemsBySource.delete(source);
      const elsewhere = [...problemsBySource.values()];
      const isNews = (key: string) => !elsewhere.some((problemsByKey) => problemsByKey.has(key));
      problemsBySource.set(source, now);
      for (const [key, problem] of before) if (!now.has(key) && isNews(key)) listeners.onGone(problem);
      for (const [key, problem] of now) if (!before.has(key) && isNews(key)) listeners.onAppear(problem);
    },
  };
}

// A line added above moves a problem; it is the same one still.
function identityOf({ code, object, path, message, location }: Problem): string {
  return JSON.stringify([code, object, path, message, location?.file]);
}
