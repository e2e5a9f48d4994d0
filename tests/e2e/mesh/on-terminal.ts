// A shell line on a terminal of 101 columns and 33 rows, with somebody who types and reads: util-linux' `script` makes the
// terminal.

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { eventually } from "./eventually.ts";

export interface LineOnTerminal {
  /** As keys; `\x03` is Ctrl-C. */
  type(keys: string): void;
  /** Resolves when the pattern is on the screen; what was shown up to it is never looked at again. */
  shown(pattern: RegExp): Promise<RegExpExecArray>;
  readonly exitCode: Promise<number | null>;
}

export function startOnTerminal(t: TestContext, line: string, env: NodeJS.ProcessEnv): LineOnTerminal {
  const child = spawn("script", ["-qec", `stty cols 101 rows 33; ${line}`, "/dev/null"], {
    env: { ...env, TERM: "xterm-256color" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  t.after(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
  });
  return {
    type: (keys) => void child.stdin.write(keys),
    shown: (pattern) =>
      eventually(() => {
        const found = pattern.exec(screen);
        if (found === null) throw new Error(`${pattern} isn't on the screen: ${JSON.stringify(screen)}`);
        screen = screen.slice(found.index + found[0].length);
        return found;
      }),
    exitCode: closed.then(([code]) => code),
  };
}
