// What becomes of a question about clients that their scopes don't answer: a fault of the program, which is counted,
// and logged once for each question. It's answered nonetheless.

import type { Logger } from "../core/logger.ts";
import type { OnUndeclared } from "../view/client-scope.ts";

const MAX_LOGGED = 100;

/** A question is asked for each row that depends on it. */
export function reportUndeclared(log: Logger, count: () => void): OnUndeclared {
  const logged = new Set<string>();
  return (question) => {
    count();
    if (logged.has(question) || logged.size >= MAX_LOGGED) return;
    logged.add(question);
    log.error({ question }, "clients asked what their scopes don't say");
  };
}
