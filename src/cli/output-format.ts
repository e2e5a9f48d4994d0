// The choices of `-o`: a table, or the whole value as JSON or YAML.

import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export type OutputFormat = "table" | "wide" | "json" | "yaml";

export function parseOutputFormat(text: string | undefined, allowed: readonly OutputFormat[]): OutputFormat {
  if (text === undefined) return "table";
  const format = allowed.find((known) => known === text);
  if (format !== undefined) return format;
  const words = allowed.filter((known) => known !== "table").join(", ");
  throw new CommandFailure(exitCodes.usage, `Cannot print as "${text}": -o takes ${words}`);
}

/** Prints a value whole; indentation is two spaces in both. */
export async function writeValue(terminal: Terminal, value: unknown, format: "json" | "yaml"): Promise<void> {
  if (format === "json") return terminal.write(`${JSON.stringify(value, null, 2)}\n`);
  const { yamlText } = await import("./yaml-text.ts");
  terminal.write(yamlText(value));
}
