// The edge of a connection: what its events, timers and promises set off and throws ends here, in the log, at the cost
// of that connection. Nothing that a client sends may reach the process.

import type { Logger } from "../core/logger.ts";

export interface Containment {
  readonly log: Logger;
  /** Ends what failed. It may be gone already. */
  readonly giveUp: () => void;
}

/** Runs `step`; `event` names in the log what set it off. */
export function contain(event: string, step: () => void, { log, giveUp }: Containment): void {
  try {
    step();
  } catch (error) {
    log.error({ event, error }, "grpc connection failed");
    try {
      giveUp();
    } catch (giveUpError) {
      log.error({ event, error: giveUpError }, "grpc connection could not be ended");
    }
  }
}
