// Reads one value of the agent's environment, which `proxyMetadata` and annotations let users write. What can't be read
// is refused in words for the user: a default in its place would do something that nobody asked for.

import { parseDurationMs } from "../../core/duration.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const SETTING_ERROR = "SettingError";

/** Whether the message alone says what to mend, so that no stack is needed. */
export function isSettingError(error: unknown): boolean {
  return error instanceof Error && error.name === SETTING_ERROR;
}

/** To be thrown: the agent can't run with a value that it doesn't understand. */
export function settingError(name: string, text: string, wanted: string): Error {
  return Object.assign(new Error(`Cannot read ${name} "${text}": wanted ${wanted}`), { name: SETTING_ERROR });
}

/** Undefined where nothing is set. `leastMs`: default 0. */
export function readDurationMs(
  env: Environment,
  name: string,
  { leastMs = 0 }: { readonly leastMs?: number } = {},
): number | undefined {
  const text = env[name] ?? "";
  if (text === "") return undefined;
  const durationMs = parseDurationMs(text);
  if (durationMs !== undefined && durationMs >= leastMs) return durationMs;
  const least = leastMs === 0 ? "" : ` of at least ${leastMs / 1000}s`;
  throw settingError(name, text, `a duration${least}, such as "30s" or "1h30m"`);
}

/** A whole number, not negative; undefined where nothing is set. */
export function readCount(env: Environment, name: string): number | undefined {
  const text = env[name] ?? "";
  if (text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw settingError(name, text, `a whole number, such as "30"`);
  return Number(text);
}

const flagWords: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  true: true,
  "0": false,
  f: false,
  false: false,
};

/** In Go's words, `true` or `1`; `unset` where nothing is set. */
export function readFlag(env: Environment, name: string, unset = false): boolean {
  const text = env[name] ?? "";
  if (text === "") return unset;
  const isSet = flagWords[text.toLowerCase()];
  if (isSet === undefined) throw settingError(name, text, `"true" or "false"`);
  return isSet;
}
