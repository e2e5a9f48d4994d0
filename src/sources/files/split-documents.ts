// Cuts a file's text where a YAML document begins, so that each part can be read on its own and says the same as it does
// within the whole. It parses nothing.

export interface TextPart {
  readonly length: number;
  readonly lineEndCount: number;
  /** Of what comes before the content and says nothing: the line `---`, blank lines and comments. */
  readonly leadLength: number;
  readonly leadLineCount: number;
  /** The rest. */
  readonly content: string;
}

/**
 * Every line `---` begins a part: whatever it seems to be in, a quoted or block scalar too, it ends there (YAML 1.2.2,
 * 9.1.2). A text with directives isn't cut, since they are said in front of that line.
 */
export function splitDocuments(text: string): readonly TextPart[] {
  if (hasDirectives(text)) return [textPart(text, 0)];
  const parts: TextPart[] = [];
  let start = 0;
  for (const end of [...documentStarts(text), text.length]) {
    const part = text.slice(start, end);
    parts.push(textPart(part, leadOf(part)));
    start = end;
  }
  return parts;
}

export function hasDirectives(text: string): boolean {
  return text.startsWith("%") || text.includes("\n%");
}

function documentStarts(text: string): readonly number[] {
  const starts: number[] = [];
  for (let at = text.indexOf("\n---"); at >= 0; at = text.indexOf("\n---", at + 1)) {
    const next = text[at + 4];
    if (next === undefined || " \t\r\n".includes(next)) starts.push(at + 1);
  }
  return starts;
}

function textPart(text: string, leadLength: number): TextPart {
  return {
    length: text.length,
    lineEndCount: countLineEnds(text),
    leadLength,
    leadLineCount: countLineEnds(text.slice(0, leadLength)),
    content: text.slice(leadLength),
  };
}

// Control characters are left for the parser to refuse.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what isn't wanted.
const LEAD = /^(?:--- *\r?\n)?(?: *(?:#[^\0-\x08\x0a-\x1f\x7f]*)?\r?\n)*/;

function leadOf(part: string): number {
  const length = LEAD.exec(part)?.[0].length ?? 0;
  // At the start of a text a byte order mark says nothing; anywhere else it is a character as others are.
  return part[length] === BYTE_ORDER_MARK ? 0 : length;
}

const BYTE_ORDER_MARK = "\uFEFF";

function countLineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
