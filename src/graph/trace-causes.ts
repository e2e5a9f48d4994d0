// Why a row is computed in a pass: the rows of source tables that the pass changed and that led to it.

import type { ChangedKeys, Reading, Target } from "./dependencies.ts";
import { SourceTable, StoredTable } from "./table.ts";
import { TableIndex } from "./table-index.ts";

/** A row of a source table. */
export interface SourceRow {
  readonly table: string;
  readonly key: string;
}

const MAX_CAUSES = 10;
/** The first commit changes everything. */
const MAX_STEPS = 10_000;

/** The nearest first; each once, and at most ten. */
export function traceCauses(readings: Iterable<Reading>, changed: ChangedKeys): readonly SourceRow[] {
  const causes: SourceRow[] = [];
  const seen = new Map<Target, Set<string>>();
  let steps = 0;
  let level = [...readings];
  while (level.length > 0) {
    const next: Reading[] = [];
    for (const { target, key } of changedRows(level, changed)) {
      const seenKeys = seen.get(target) ?? new Set();
      seen.set(target, seenKeys);
      if (seenKeys.has(key)) continue;
      seenKeys.add(key);
      steps += 1;
      if (target instanceof SourceTable) causes.push({ table: target.name, key });
      else if (target instanceof StoredTable || target instanceof TableIndex)
        next.push(...target.readingsOf(key, changed));
      if (causes.length >= MAX_CAUSES || steps >= MAX_STEPS) return causes;
    }
    level = next;
  }
  return causes;
}

function* changedRows(
  readings: readonly Reading[],
  changed: ChangedKeys,
): Iterable<{ readonly target: Target; readonly key: string }> {
  for (const { target, key } of readings) {
    const keys = changed.get(target);
    if (keys === undefined) continue;
    if (key === undefined) for (const each of [...keys].sort()) yield { target, key: each };
    else if (keys.has(key)) yield { target, key };
  }
}
