// What a function of templates is, and how it takes its arguments: strictly, so that a slip is told where it stands.

import { describe, isMap } from "./go-value.ts";
import { TemplateFault } from "./template-fault.ts";

export interface TemplateFunction {
  readonly least: number;
  /** Infinity: as many as there are. */
  readonly most: number;
  call(args: readonly unknown[], context: FunctionContext): unknown;
}

export interface FunctionContext {
  /** Renders another text with the same root. */
  render(text: string): string;
  /** Variables of the control plane. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;

export function takes(least: number, most: number, call: TemplateFunction["call"]): TemplateFunction {
  return { least, most, call };
}

/** Of exactly one text. */
export function ofText(call: (text: string) => unknown): TemplateFunction {
  return takes(1, 1, ([value]) => call(textOf(value)));
}

/** Of exactly two texts. */
export function ofTexts(call: (first: string, second: string) => unknown): TemplateFunction {
  return takes(2, 2, ([first, second]) => call(textOf(first), textOf(second)));
}

export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TemplateFault(`wanted text, found ${describe(value)}`);
}

export function countOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT) return value;
  throw new TemplateFault(`wanted a whole number up to ${MAX_COUNT}, found ${describe(value)}`);
}

/** Of blanks, or of letters. */
const MAX_COUNT = 1000;

export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TemplateFault(`wanted a list, found ${describe(value)}`);
}

export function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  if (isMap(value)) return value;
  throw new TemplateFault(`wanted a map, found ${describe(value)}`);
}
