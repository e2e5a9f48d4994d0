// The log of a pod's agent: JSON lines on standard error in pino's shape, without pino's 3 MB in each pod.

import type { Logger } from "../core/logger.ts";

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

type Level = keyof typeof levels;

export function createLineLogger(minimum: string | undefined): Logger {
  const least = levels[minimum as Level] ?? levels.info;
  const writer = (level: Level) => (fields: object, event: string) => {
    if (levels[level] < least) return;
    const line = { level: levels[level], time: Date.now(), component: "agent", ...fields, msg: event };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  return { debug: writer("debug"), info: writer("info"), warn: writer("warn"), error: writer("error") };
}
