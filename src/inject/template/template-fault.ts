// What is wrong with a template, and where: thrown inside this folder, and a value beyond it.

export class TemplateFault extends Error {
  /** Of the character in the template's text, from 0; undefined until whoever knows it adds it. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number) {
    super(message);
    this.offset = offset;
  }
}

/** `line 3, column 7: message`, both from 1. */
export function describeFault(text: string, { message, offset = 0 }: TemplateFault): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${message}`;
}
