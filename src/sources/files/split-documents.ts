// Cuts a file's text where a YAML document begins, so that each part can be read on its own and says the same as it does
// within the whole. It parses nothing.

export interface TextPart {
  readonly text: string;
  /** The line of the file that the part begins at, from 1. */
  readonly firstLine: number;
}

/**
 * Every line `---` begins a part: whatever it seems to be in, a quoted or block scalar too, it ends there (YAML 1.2.2,
 * 9.1.2). A text with directives isn't cut, since they are said in front of that line.
 */
export function splitDocuments(text: string): readonly TextPart[] {
  if (hasDirectives(text)) return [{ text, firstLine: 1 }];
  const parts: TextPart[] = [];
  let start = 0;
  let firstLine = 1;
  for (const end of [...documentStarts(text), text.length]) {
    const part = text.slice(start, end);
    parts.push({ text: part, firstLine });
    firstLine += countLineEnds(part);
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

export function countLineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
