// Words for a POSIX shell.

/** One word, whatever is in it: nothing of it is the shell's to read. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
