// The log of the programs that run on every node or in every pod: JSON lines on standard error in pino's shape, without pino's 3 MB in each.

import { loggedFields } from "../core/logged-fields.ts";
import type { Logger } from "../core/logger.ts";

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

type Level = keyof typeof levels;

export function createLineLogger(minimum: string | undefined, component = "agent"): Logger {
  const least = levels[minimum as Level] ?? levels.info;
  const writer = (level: Level) => (fields: object, event: string) => {
    if (levels[level] < least) return;
    const line = { level: levels[level], time: Date.now(), component, ...loggedFields(fields), msg: event };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  return { debug: writer("debug"), info: writer("info"), warn: writer("warn"), error: writer("error") };
}
