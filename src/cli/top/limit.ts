// `--limit` of the commands that show the first of many.

import { CommandFailure, exitCodes } from "../exit-code.ts";

const DEFAULT_LIMIT = 20;

export function parseLimit(text: string | undefined, what: string): number {
  if (text === undefined) return DEFAULT_LIMIT;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CommandFailure(exitCodes.usage, `Cannot show "${text}" ${what}: --limit takes a number above 0`);
}
