// The last handler of a process: what reaches it is our mistake, and whatever the process knows may be wrong by then.

import type { Logger } from "../core/logger.ts";

/**
 * Logs errors that nothing else caught, message and stack, and ends the process with 1, so that what started it starts it
 * again. Without it Node prints them between the lines of the log.
 */
export function endOnFault(log: Logger): void {
  // Node reports rejections that nobody handles here too, with their own origin.
  process.on("uncaughtException", (error: unknown, origin) => {
    try {
      log.error({ origin, error }, "process failed");
    } finally {
      process.exit(1);
    }
  });
}
