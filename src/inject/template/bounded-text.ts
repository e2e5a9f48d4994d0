// Texts that can be longer than all that they are made of: their length is known, and paid for, before they are.

import type { RenderBudget } from "./render-budget.ts";

export function joinTexts(texts: readonly string[], separator: string, budget: RenderBudget): string {
  const separators = Math.max(texts.length - 1, 0) * separator.length;
  budget.spendText(texts.reduce((sum, { length }) => sum + length, separators));
  return texts.join(separator);
}

export function replaceText(
  text: string,
  { before, after }: { readonly before: string; readonly after: string },
  budget: RenderBudget,
): string {
  budget.spendSearch(text, before);
  const pieces = text.split(before);
  // An empty text is found at both ends too, where split has no piece for it.
  const texts = before === "" ? ["", ...pieces, ""] : pieces;
  return joinTexts(texts, after, budget);
}

/** Blanks before each line but the first. */
export function indentLines(text: string, blankCount: number, budget: RenderBudget): string {
  return replaceText(text, { before: "\n", after: `\n${" ".repeat(blankCount)}` }, budget);
}
