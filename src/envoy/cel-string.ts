// Text as a literal of CEL within a format of Envoy's, in which `%` and `)` mean something.

/** Letters and digits stand for themselves, and the rest is escaped. */
export function celString(text: string): string {
  const escaped = text.replaceAll(/[^A-Za-z0-9_/._:-]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `'${escaped}'`;
}
