// The commands of a guide: what its fenced `sh` blocks hold, with what each prints by the comment after it.

import { readFileSync } from "node:fs";

export interface GuideCommand {
  readonly text: string;
  /** Of the command, in the guide's file. */
  readonly line: number;
  /** What it prints, perhaps with a reason after a comma; undefined where the guide doesn't say. */
  readonly expected: string | undefined;
}

const COMMENT = / +# ([^'"]*|.*"[^']*)$/;

export function readGuide(file: URL): readonly GuideCommand[] {
  const commands: GuideCommand[] = [];
  let isInBlock = false;
  let open = "";
  for (const [index, line] of readFileSync(file, "utf8").split("\n").entries()) {
    if (line.startsWith("```")) {
      if (open !== "") throw new Error(`${file.pathname}:${index + 1}: the command before isn't complete`);
      isInBlock = line === "```sh";
    } else if (isInBlock && (line !== "" || open !== "")) {
      open += `${line}\n`;
      if (!isComplete(open)) continue;
      commands.push({ ...parseCommand(open), line: index + 1 });
      open = "";
    }
  }
  return commands;
}

/** A function's body ends in a line of its own; other commands may go on after a backslash. */
function isComplete(text: string): boolean {
  return /^\w+\(\) \{\n/.test(text) ? text.endsWith("\n}\n") : !text.endsWith("\\\n");
}

function parseCommand(text: string): Pick<GuideCommand, "text" | "expected"> {
  const comment = COMMENT.exec(text.trimEnd());
  return { text: text.trimEnd().slice(0, comment?.index), expected: comment?.[1] };
}

/** What is printed and what a guide says: lines are joined by commas there. */
export function isAsExpected(printed: string, expected: string): boolean {
  const text = printed.trim().replaceAll("\n", ", ");
  return text !== "" && (text === expected || expected.startsWith(`${text}, `));
}
