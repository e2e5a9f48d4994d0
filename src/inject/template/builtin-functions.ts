// The functions that Go's text/template has itself. `and` and `or` are the evaluator's, since they don't evaluate all
// of their arguments.

import { describe, fieldOf, formatValue, GoStruct, isMap, isNil, isTrue, plain } from "./go-value.ts";
import { sprintf } from "./printf.ts";
import { TemplateFault } from "./template-fault.ts";
import type { TemplateFunctions } from "./template-function.ts";
import { surfaceOf, takes, textOf } from "./template-function.ts";

const ALL = Number.POSITIVE_INFINITY;

export const builtinFunctions: TemplateFunctions = {
  not: surfaceOf(takes(1, 1, ([value]) => !isTrue(value))),
  eq: surfaceOf(takes(2, ALL, ([first, ...others]) => others.some((other) => isEqual(first, other)))),
  ne: surfaceOf(takes(2, 2, ([first, second]) => !isEqual(first, second))),
  lt: surfaceOf(takes(2, 2, ([first, second]) => compare(first, second) < 0)),
  le: surfaceOf(takes(2, 2, ([first, second]) => compare(first, second) <= 0)),
  gt: surfaceOf(takes(2, 2, ([first, second]) => compare(first, second) > 0)),
  ge: surfaceOf(takes(2, 2, ([first, second]) => compare(first, second) >= 0)),
  len: surfaceOf(takes(1, 1, ([value]) => lengthOf(value))),
  index: surfaceOf(takes(1, ALL, ([value, ...keys]) => keys.reduce(itemOf, value))),
  slice: surfaceOf(takes(1, 3, ([value, start, end]) => sliceOf(value, start, end))),
  print: takes(0, ALL, (values) => values.map(formatValue).join("")),
  println: takes(0, ALL, (values) => `${values.map(formatValue).join(" ")}\n`),
  printf: takes(1, ALL, ([format, ...values], { budget }) => sprintf(textOf(format), values, budget)),
};

/** Lists and maps aren't comparable in Go either; nil is equal to nil alone. */
function isEqual(first: unknown, second: unknown): boolean {
  for (const value of [first, second]) {
    if (Array.isArray(value) || isMap(value) || value instanceof GoStruct)
      throw new TemplateFault(`cannot compare ${describe(value)}`);
  }
  if (isNil(first) || isNil(second)) return isNil(first) && isNil(second);
  if (typeof first === typeof second) return first === second;
  throw new TemplateFault(`cannot compare ${describe(first)} with ${describe(second)}`);
}

function compare(first: unknown, second: unknown): number {
  if (typeof first === "number" && typeof second === "number") return first - second;
  if (typeof first === "string" && typeof second === "string")
    return first < second ? -1 : Number(first > second);
  throw new TemplateFault(`cannot order ${describe(first)} and ${describe(second)}`);
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw new TemplateFault(`${describe(value)} has no length`);
}

/** What a map lacks is nil, as for Go's maps of anything; text in Go's maps of text would be empty, and counts the same. */
function itemOf(value: unknown, key: unknown): unknown {
  if (isMap(value)) return fieldOf(value, textOf(key)) ?? "";
  if (!Array.isArray(value)) throw new TemplateFault(`${describe(value)} has no items`);
  if (typeof key === "number" && Number.isInteger(key) && key >= 0 && key < value.length) return value[key];
  throw new TemplateFault(`a list of ${value.length} has no item ${formatValue(plain(key))}`);
}

function sliceOf(value: unknown, start: unknown = 0, end?: unknown): unknown {
  if (typeof value !== "string" && !Array.isArray(value))
    throw new TemplateFault(`${describe(value)} can't be sliced`);
  const last = end ?? value.length;
  const isInside = typeof start === "number" && typeof last === "number" && start >= 0 && last >= start;
  if (!isInside || last > value.length) throw new TemplateFault("the slice is out of bounds");
  return value.slice(start, last);
}
