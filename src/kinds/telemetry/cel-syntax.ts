// Whether a CEL expression can be read at all. Envoys refuse a listener with one that can't, and a proxy that starts would lack the
// listener: so such an object never counts.

import { parse } from "@bufbuild/cel";

/** Envoy takes longer ones too; nobody writes them, and reading has to end soon. */
const MAX_CHARACTERS = 4_096;

/** What is wrong with it, as a part of a sentence; undefined for nothing. Functions and attributes aren't looked up. */
export function findSyntaxFault(expression: string): string | undefined {
  if (expression.length > MAX_CHARACTERS)
    return `found ${expression.length} characters, wanted at most ${MAX_CHARACTERS}`;
  try {
    parse(expression);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return "it is nested too deeply";
    const message = error instanceof Error ? error.message : String(error);
    const [, column, found] = /^<input>:1:(\d+): (found .*?)(?: but expecting .*)?$/s.exec(message) ?? [];
    return column === undefined ? message : `${found} at character ${column}`;
  }
}
