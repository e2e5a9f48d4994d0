// Functions for text, lists and maps under the names that Helm's users know: those of sprig that injection's templates
// use.

import { indentLines, joinTexts, replaceText } from "./bounded-text.ts";
import { formatValue, isNil, isTrue, plain } from "./go-value.ts";
import { TemplateFault } from "./template-fault.ts";
import type { TemplateFunctions } from "./template-function.ts";
import { countOf, listOf, mapOf, ofText, ofTexts, surfaceOf, takes, textOf } from "./template-function.ts";

const ALL = Number.POSITIVE_INFINITY;

export const textFunctions: TemplateFunctions = {
  quote: takes(0, ALL, (values) => quoted(values, JSON.stringify)),
  squote: takes(0, ALL, (values) => quoted(values, (text) => `'${text}'`)),
  default: surfaceOf(takes(1, 2, ([fallback, value]) => (isTrue(value) ? value : fallback))),
  empty: surfaceOf(takes(1, 1, ([value]) => !isTrue(value))),
  coalesce: surfaceOf(takes(0, ALL, (values) => values.find(isTrue))),
  ternary: surfaceOf(takes(3, 3, ([yes, no, condition]) => (condition === true ? yes : no))),
  toUpper: ofText((text) => text.toUpperCase()),
  upper: ofText((text) => text.toUpperCase()),
  toLower: ofText((text) => text.toLowerCase()),
  lower: ofText((text) => text.toLowerCase()),
  trim: ofText((text) => text.trim()),
  trimPrefix: ofTexts((prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  trimSuffix: ofTexts((suffix, text) =>
    suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  hasPrefix: ofTexts((prefix, text) => text.startsWith(prefix)),
  hasSuffix: ofTexts((suffix, text) => text.endsWith(suffix)),
  contains: ofTexts((needle, text, { budget }) => {
    budget.spendSearch(text, needle);
    return text.includes(needle);
  }),
  replace: takes(3, 3, ([before, after, text], { budget }) =>
    replaceText(textOf(text), { before: textOf(before), after: textOf(after) }, budget),
  ),
  trunc: takes(2, 2, ([count, text]) => textOf(text).slice(0, countOf(count))),
  join: takes(2, 2, ([separator, values], { budget }) =>
    joinTexts(listOf(values).map(formatValue), textOf(separator), budget),
  ),
  splitList: ofTexts((separator, text, { budget }) => {
    budget.spendSearch(text, separator);
    return text.split(separator);
  }),
  toString: takes(1, 1, ([value]) => formatValue(value)),
  int: takes(1, 1, ([value]) => Math.trunc(Number(value)) || 0),
  b64enc: ofText((text) => Buffer.from(text).toString("base64")),
  list: surfaceOf(takes(0, ALL, (values) => values)),
  dict: surfaceOf(takes(0, ALL, dictOf)),
  get: surfaceOf(takes(2, 2, ([map, key]) => ownItem(mapOf(map), textOf(key)) ?? "")),
  hasKey: surfaceOf(takes(2, 2, ([map, key]) => Object.hasOwn(mapOf(map), textOf(key)))),
  keys: surfaceOf(takes(1, 1, ([map]) => Object.keys(mapOf(map)).sort())),
  nindent: takes(2, 2, ([count, text], { budget }) => {
    const blankCount = countOf(count);
    return `\n${" ".repeat(blankCount)}${indentLines(textOf(text), blankCount, budget)}`;
  }),
};

/** Texts by turns with what they name; also `strdict`. */
export function dictOf(values: readonly unknown[]): Record<string, unknown> {
  if (values.length % 2 !== 0) throw new TemplateFault("the last key has no value");
  const keys = values.filter((_, index) => index % 2 === 0).map(textOf);
  return Object.fromEntries(keys.map((key, index) => [key, values[2 * index + 1]]));
}

function quoted(values: readonly unknown[], quote: (text: string) => string): string {
  return values
    .filter((value) => !isNil(value))
    .map((value) => quote(formatValue(plain(value))))
    .join(" ");
}

function ownItem(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
