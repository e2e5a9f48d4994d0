// Go's fmt.Sprintf, as far as templates use it: %s %v %d %q %t %f %x and %%, with flags and width.

import { describe, formatValue, isNil } from "./go-value.ts";
import type { RenderBudget } from "./render-budget.ts";
import { TemplateFault } from "./template-fault.ts";

const VERB = /%([-+ 0#]*)(\d{0,3})(?:\.(\d{1,2}))?([a-zA-Z%])/g;

export function sprintf(format: string, values: readonly unknown[], budget: RenderBudget): string {
  let used = 0;
  budget.spend(format.length);
  const text = format.replaceAll(VERB, (...match: string[]) => {
    const [whole = "", flags = "", width = "", precision, verb = ""] = match;
    if (verb === "%") return "%";
    if (used >= values.length) throw new TemplateFault(`printf has no value for ${whole}`);
    const formatted = formatVerb(verb, values[used++], precision);
    budget.spendText(Math.max(formatted.length, Number(width)));
    if (flags.includes("-")) return formatted.padEnd(Number(width));
    return formatted.padStart(Number(width), flags.includes("0") && verb !== "s" ? "0" : " ");
  });
  if (used < values.length) throw new TemplateFault(`printf has ${values.length - used} values too many`);
  return text;
}

function formatVerb(verb: string, value: unknown, precision: string | undefined): string {
  switch (verb) {
    case "s":
      return formatValue(value).slice(0, precision === undefined ? undefined : Number(precision));
    case "v":
      return isNil(value) ? "<nil>" : formatValue(value);
    case "q":
      return JSON.stringify(formatValue(value));
    case "t":
      return String(value === true);
    case "d":
      return `${wholeNumber(value)}`;
    case "x":
      return wholeNumber(value).toString(16);
    case "f":
      return Number(value).toFixed(precision === undefined ? 6 : Number(precision));
    default:
      throw new TemplateFault(`printf doesn't know %${verb}`);
  }
}

function wholeNumber(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new TemplateFault(`printf wants a whole number, found ${describe(value)}`);
}
