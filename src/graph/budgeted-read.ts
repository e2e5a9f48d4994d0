// Reads from outside the graph that belong to nobody and may cost only so much: what somebody asks for in passing mustn't take
// as long as he likes to make it.

import { ONLY_KEY, type Read, untrackedRead } from "./read.ts";

/** Thrown by the read that would go beyond. */
export class ReadBudgetSpent extends Error {
  constructor() {
    super("Cannot read more rows: the budget is spent");
  }
}

/** `maxRows`: of all reads together, each of which counts for one at least. */
export function budgetedRead(maxRows: number): Read {
  let left = maxRows;
  const spend = <T>(rows: number, value: T): T => {
    left -= Math.max(1, rows);
    if (left < 0) throw new ReadBudgetSpent();
    return value;
  };
  const get: Read["get"] = (table, key) => spend(1, untrackedRead.get(table, key));
  return {
    get,
    one(table) {
      const value = get(table, ONLY_KEY);
      if (value === undefined) throw new Error(`Cannot read the row of "${table.name}": it has none`);
      return value;
    },
    find(index, indexKey) {
      const rows = untrackedRead.find(index, indexKey);
      return spend(rows.length, rows);
    },
    all(table) {
      const rows = untrackedRead.all(table);
      return spend(rows.length, rows);
    },
  };
}
