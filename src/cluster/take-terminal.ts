// This process's standard streams for a command that runs elsewhere: where that has a terminal, each key of this one goes
// to it as it is pressed, Ctrl-C too.

import { spawnSync } from "node:child_process";
import type { CommandWindow } from "../kubernetes/remote-command.ts";
import type { TakenTerminal } from "./cluster-mesh.ts";

type Streams = Pick<NodeJS.Process, "stdin" | "stdout" | "stderr">;

/** `isTty`: standard input is a terminal. */
export function takeTerminal(
  { stdin, stdout, stderr }: Streams,
  { isTty }: { readonly isTty: boolean },
): TakenTerminal {
  if (isTty) takeKeys(stdin);
  const hasWindow = isTty && stdout.isTTY === true;
  return {
    streams: { stdin, stdout, stderr, ...(hasWindow && { window: windowOf(stdout) }) },
    release() {
      if (isTty) stdin.setRawMode(false);
    },
  };
}

/** Until `setRawMode(false)`, which puts back all that it found. */
function takeKeys(stdin: NodeJS.ReadStream): void {
  stdin.setRawMode(true);
  // Node leaves the output's line ends to this terminal; they are the other one's, as full-screen programs need it.
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
}

function windowOf(stdout: NodeJS.WriteStream): CommandWindow {
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    onResize(listener) {
      stdout.on("resize", listener);
      return () => stdout.off("resize", listener);
    },
  };
}
