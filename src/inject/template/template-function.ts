// What a function of templates is, and how it takes its arguments: strictly, so that a slip is told where it stands.

import { describe, isMap } from "./go-value.ts";
import type { RenderBudget } from "./render-budget.ts";
import { TemplateFault } from "./template-fault.ts";

export interface TemplateFunction {
  readonly least: number;
  /** Infinity: as many as there are. */
  readonly most: number;
  /** How far it looks into its arguments, and so what it pays for them. */
  readonly reads: "whole" | "surface";
  /** How much dearer it is than reading its arguments. */
  readonly weight: number;
  /** Pays for what it makes, where that may be longer than its arguments. */
  call(args: readonly unknown[], context: FunctionContext): unknown;
}

export interface FunctionContext {
  /** Renders another text with the same root. */
  render(text: string): string;
  readonly budget: RenderBudget;
  /** Variables of the control plane. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;

export function takes(least: number, most: number, call: TemplateFunction["call"]): TemplateFunction {
  return { least, most, call, reads: "whole", weight: 1 };
}

/** Of a function that looks at no more than its arguments' own characters, items or keys. */
export function surfaceOf(known: TemplateFunction): TemplateFunction {
  return { ...known, reads: "surface" };
}

export function weighing(weight: number, known: TemplateFunction): TemplateFunction {
  return { ...known, weight };
}

/** Of exactly one text. */
export function ofText(call: (text: string, context: FunctionContext) => unknown): TemplateFunction {
  return takes(1, 1, ([value], context) => call(textOf(value), context));
}

/** Of exactly two texts. */
export function ofTexts(
  call: (first: string, second: string, context: FunctionContext) => unknown,
): TemplateFunction {
  return takes(2, 2, ([first, second], context) => call(textOf(first), textOf(second), context));
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
