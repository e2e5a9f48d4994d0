// Text that others chose, as a terminal may be shown it.

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey is what this is about.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Without what moves a cursor, turns text around or ends a line: each such character is a question mark. */
export function printable(text: string): string {
  return isPrintable(text) ? text : text.replaceAll(UNPRINTABLE, "?");
}

/** The same of text that may have several lines. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

export function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) === -1;
}
