// Templates in the subset of Go's text/template that Istio's documentation of injection shows, with its functions.
// Whatever is wrong with one is a value that says where.

import { builtinFunctions } from "./builtin-functions.ts";
import { evaluateTemplate } from "./evaluate.ts";
import { injectionFunctions } from "./injection-functions.ts";
import { parseTemplateText } from "./parser.ts";
import type { ParsedTemplate } from "./syntax.ts";
import { describeFault, TemplateFault } from "./template-fault.ts";
import type { TemplateFunctions } from "./template-function.ts";
import { textFunctions } from "./text-functions.ts";

export interface Template {
  readonly text: string;
  readonly parsed: ParsedTemplate;
}

export type TemplateResult<T> = { readonly value: T } | { readonly fault: string };

/** By name; the reference page lists them. */
export const templateFunctions: TemplateFunctions = {
  ...builtinFunctions,
  ...textFunctions,
  ...injectionFunctions,
};

const MAX_LENGTH = 256 * 1024;

export function parseTemplate(text: string): TemplateResult<Template> {
  if (text.length > MAX_LENGTH) return { fault: `it is longer than ${MAX_LENGTH} characters` };
  return faultsAsValues(text, () => ({ text, parsed: parseTemplateText(text) }));
}

export interface TemplateData {
  /** What `.` is. */
  readonly root: unknown;
  /** For the function `env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export function renderTemplate(
  { text, parsed }: Template,
  { root, environment = {} }: TemplateData,
): TemplateResult<string> {
  return faultsAsValues(text, () =>
    evaluateTemplate(parsed, root, { functions: templateFunctions, environment }),
  );
}

function faultsAsValues<T>(text: string, run: () => T): TemplateResult<T> {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof TemplateFault) return { fault: describeFault(text, error) };
    throw error;
  }
}
