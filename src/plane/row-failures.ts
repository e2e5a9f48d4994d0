// Rows of the mesh's tables whose function threw, as Problems of the objects that made it throw. It is a fault of the
// program, but who edited the object must know that the edit has no effect.

import { type ObjectKey, objectKey, objectKeyText } from "../core/object-key.ts";
import { type Problem, problem } from "../core/problem.ts";
import type { RowFailure } from "../graph/failure-ledger.ts";
import type { SourceRow } from "../graph/trace-causes.ts";
import { kindByName } from "../kinds/all-kinds.ts";

const MAX_REASON_LENGTH = 300;

/** One for each error of each object: one object may be read by many rows. */
export function rowFailureProblems(failures: readonly RowFailure[]): readonly Problem[] {
  const rowsByFault = new Map<string, RowFailure[]>();
  for (const failure of failures) {
    const fault = JSON.stringify([objectsOf(failure)[0], reasonOf(failure)]);
    rowsByFault.set(fault, [...(rowsByFault.get(fault) ?? []), failure]);
  }
  return [...rowsByFault.values()].flatMap(([first]) => (first === undefined ? [] : [problemOf(first)]));
}

function problemOf(failure: RowFailure): Problem {
  const { table, key } = failure;
  const [object, ...others] = objectsOf(failure);
  const also = others.length === 0 ? "" : `; changed with it: ${others.map(objectKeyText).join(", ")}`;
  return problem("MLT4102", {
    message: `Cannot compute "${key}" of "${table}", so its last version is kept: ${reasonOf(failure)}`,
    hint: `this is a bug in Meltemi, whose log has the details: undo the last change of the object, and report it${also}`,
    ...(object === undefined ? {} : { object }),
  });
}

function reasonOf({ error }: RowFailure): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.length > MAX_REASON_LENGTH ? `${text.slice(0, MAX_REASON_LENGTH)}…` : text;
}

/** Source tables are called as the kinds of their objects; of others nobody can write an object. */
function objectsOf({ causes }: RowFailure): readonly ObjectKey[] {
  return causes.flatMap(({ table, key }: SourceRow) => {
    const at = key.indexOf("/");
    if (!kindByName.has(table) || at < 0) return [];
    return [objectKey({ kind: table, namespace: key.slice(0, at), name: key.slice(at + 1) })];
  });
}
