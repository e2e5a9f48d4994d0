// Cuts a template into text and the words of its actions, as Go's text/template does: `{{- ` and ` -}}` take the
// blanks beside them away, comments vanish.

import { TemplateFault } from "./template-fault.ts";

export type Token = { readonly offset: number } & (
  | { readonly kind: "text"; readonly text: string }
  /** The end of an action. */
  | { readonly kind: "close" }
  /** A blank tells `.a .b` from `.a.b`. */
  | { readonly kind: "blank" }
  | { readonly kind: "word"; readonly text: string }
  /** `.name`, without the dot; empty for the dot itself. */
  | { readonly kind: "field"; readonly text: string }
  /** `$name`, without the dollar sign; empty for the root. */
  | { readonly kind: "variable"; readonly text: string }
  | { readonly kind: "literal"; readonly value: string | number }
  | { readonly kind: "sign"; readonly text: "(" | ")" | "|" | ":=" | "=" | "," }
);

const OPEN = "{{";
const CLOSE = "}}";

export function lexTemplate(template: string): Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  let trimsStart = false;
  while (offset < template.length) {
    const open = template.indexOf(OPEN, offset);
    const end = open === -1 ? template.length : open;
    const trimsEnd = open !== -1 && /^\{\{-\s/.test(template.slice(open, open + 4));
    const text = trimmed(template.slice(offset, end), trimsStart, trimsEnd);
    if (text !== "") tokens.push({ kind: "text", text, offset });
    if (open === -1) break;
    const action = lexAction(template, open, open + (trimsEnd ? 3 : 2));
    tokens.push(...action.tokens);
    ({ end: offset, trimsStart } = action);
  }
  return tokens;
}

function trimmed(text: string, trimsStart: boolean, trimsEnd: boolean): string {
  const started = trimsStart ? text.trimStart() : text;
  return trimsEnd ? started.trimEnd() : started;
}

interface LexedAction {
  readonly tokens: readonly Token[];
  /** Where the text after it begins. */
  readonly end: number;
  readonly trimsStart: boolean;
}

function lexAction(template: string, open: number, start: number): LexedAction {
  const [comment] = /^\s*\/\*.*?\*\/\s*-?\}\}/s.exec(template.slice(start)) ?? [];
  if (comment !== undefined)
    return { tokens: [], end: start + comment.length, trimsStart: comment.endsWith("-}}") };
  const tokens: Token[] = [];
  for (let offset = start; offset < template.length; ) {
    const rest = template.slice(offset, offset + MAX_WORD_LENGTH);
    const [trim] = /^\s+-\}\}/.exec(rest) ?? [];
    if (trim !== undefined || rest.startsWith(CLOSE)) {
      const end = offset + (trim ?? CLOSE).length;
      return { tokens: [...tokens, { kind: "close", offset }], end, trimsStart: trim !== undefined };
    }
    const { token, length } = lexWord(rest, offset);
    tokens.push(token);
    offset += length;
  }
  throw new TemplateFault('this action isn\'t closed, wanted "}}"', open);
}

/** Longer strings belong into values. */
const MAX_WORD_LENGTH = 16_384;

const wordForms: readonly {
  readonly form: RegExp;
  readonly make: (match: RegExpExecArray, offset: number) => Token;
}[] = [
  { form: /^\s+/, make: (_, offset) => ({ kind: "blank", offset }) },
  {
    form: /^[-+]?(\d+(\.\d+)?)/,
    make: ([text], offset) => ({ kind: "literal", value: Number(text), offset }),
  },
  {
    form: /^\.([\p{L}_][\p{L}\p{N}_]*)?/u,
    make: ([, text = ""], offset) => ({ kind: "field", text, offset }),
  },
  {
    form: /^\$([\p{L}\p{N}_]*)/u,
    make: ([, text = ""], offset) => ({ kind: "variable", text, offset }),
  },
  { form: /^[\p{L}_][\p{L}\p{N}_]*/u, make: ([text], offset) => ({ kind: "word", text, offset }) },
  { form: /^`([^`]*)`/, make: ([, value = ""], offset) => ({ kind: "literal", value, offset }) },
  {
    form: /^"((?:[^"\\\n]|\\.)*)"/,
    make: ([text], offset) => ({ kind: "literal", value: unquoted(text, offset), offset }),
  },
  {
    form: /^(:=|[()|=,])/,
    make: ([text], offset) => ({ kind: "sign", text: text as "(" | ")" | "|" | ":=" | "=" | ",", offset }),
  },
];

function lexWord(rest: string, offset: number): { readonly token: Token; readonly length: number } {
  for (const { form, make } of wordForms) {
    const match = form.exec(rest);
    if (match !== null) return { token: make(match, offset), length: match[0].length };
  }
  throw new TemplateFault(`found ${JSON.stringify(rest[0])}, which nothing begins with`, offset);
}

/** Of Go's escapes those that JSON has too. */
function unquoted(text: string, offset: number): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new TemplateFault(`cannot read the string ${text.slice(0, 40)}`, offset);
  }
}
