// The log of a process: JSON lines on standard error, by pino.

import pino from "pino";
import { loggedFields } from "../core/logged-fields.ts";
import type { Logger } from "../core/logger.ts";

/** `MELTEMI_LOG_LEVEL` is debug, info (the default), warn or error. */
export function createProcessLogger(component: string): Logger {
  const level = process.env.MELTEMI_LOG_LEVEL ?? "info";
  const options = {
    base: { component },
    level,
    formatters: { log: loggedFields },
    // pino's own reading of this key takes a plain value for an error without a type.
    serializers: { err: (value: unknown) => value },
  };
  return pino(options, pino.destination({ dest: 2, sync: true }));
}
