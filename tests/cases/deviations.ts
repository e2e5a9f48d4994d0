// The cases that are meant to come out differently, with the reason for each.

import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** Reasons by case name; empty for a suite without deviations. */
export function deviationsOf(suite: string): ReadonlyMap<string, string> {
  const text = readFileSync(new URL("deviations.yaml", import.meta.url), "utf8");
  const suites = (parse(text) ?? {}) as Record<string, Record<string, string> | null>;
  return new Map(Object.entries(suites[suite] ?? {}));
}
