// Text that a client sent, as a message quotes it: in quotes, on one line, and no longer than helps.

const MAX_LENGTH = 80;

/** The first 80 characters, with an ellipsis where there were more; control characters are escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text);
}
