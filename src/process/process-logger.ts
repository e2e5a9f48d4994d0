// The log of a process: JSON lines on standard error, by pino. Each part of the program that an operator may want to hear
// more of is a scope with a level of its own, which changes while the process runs.

import pino from "pino";
import { isLogLevel, LogLevels } from "../core/log-levels.ts";
import { loggedFields } from "../core/logged-fields.ts";
import type { Logger } from "../core/logger.ts";
import { sourceStack } from "./source-stack.ts";

/** A logger without scopes. `MELTEMI_LOG_LEVEL` is debug, info (the default), warn or error. */
export function createProcessLogger(component: string): Logger {
  return openPino(component, process.env.MELTEMI_LOG_LEVEL ?? "info");
}

export type ScopedLogs<Scope extends string> = Readonly<Record<Scope, Logger>> & {
  readonly levels: LogLevels;
};

/**
 * A logger for each scope, whose lines name it. `descriptions` has a sentence on each. `MELTEMI_LOG_LEVEL` is the level of all
 * of them at the start: none, error, warn, info or debug; `info` unless given, or where it is something else.
 */
export function createScopedLogs<Scope extends string>(
  component: string,
  descriptions: Readonly<Record<Scope, string>>,
): ScopedLogs<Scope> {
  const asked = process.env.MELTEMI_LOG_LEVEL ?? "info";
  const parent = openPino(component, "info");
  const scopes = Object.keys(descriptions) as Scope[];
  const loggers = Object.fromEntries(
    scopes.map((scope) => [scope, parent.child({ scope }, { level: "info" })]),
  ) as Record<Scope, pino.Logger>;
  const levels = new LogLevels(descriptions, {
    initial: isLogLevel(asked) ? asked : "info",
    onChange: (scope, level) => {
      loggers[scope as Scope].level = level === "none" ? "silent" : level;
    },
  });
  return { ...loggers, levels };
}

function openPino(component: string, level: string): pino.Logger {
  const options = {
    base: { component },
    level,
    formatters: { log: (fields: object) => loggedFields(fields, sourceStack) },
    // pino's own reading of this key takes a plain value for an error without a type.
    serializers: { err: (value: unknown) => value },
  };
  return pino(options, pino.destination({ dest: 2, sync: true }));
}
