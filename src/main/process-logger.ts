// The log of a process: JSON lines on standard error, by pino.

import pino from "pino";
import type { Logger } from "../core/logger.ts";

/** `MELTEMI_LOG_LEVEL` is debug, info (the default), warn or error. */
export function createProcessLogger(component: string): Logger {
  const level = process.env.MELTEMI_LOG_LEVEL ?? "info";
  return pino({ base: { component }, level }, pino.destination({ dest: 2, sync: true }));
}
