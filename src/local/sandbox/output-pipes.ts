// Real pipes for the output of containers. Node's own are sockets, and opening /dev/stdout on a socket fails: Envoy's
// access log and many programs do just that.

import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";

export interface OutputPipe {
  /** For the child's stdio; to be closed here once the child has it. */
  readonly writeFd: number;
  /** Ends when every process that holds the other side has ended. */
  readonly readable: Readable;
}

export interface OutputPipes {
  open(): OutputPipe;
}

// So many are made at once, since each time costs a process.
const FIFOS_AT_ONCE = 8;

/** `directory` is the supervisor's alone: whoever may write there chooses what is read as output, and written by it. */
export function outputPipesIn(directory: string): OutputPipes {
  const free: string[] = [];
  let madeCount = 0;

  function takeFifo(): string {
    const known = free.pop();
    if (known !== undefined) return known;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const made = Array.from({ length: FIFOS_AT_ONCE }, (_, at) => join(directory, `${madeCount + at}`));
    // Programs of every user open their own output again, by /dev/stdout.
    const { status, stderr } = spawnSync("mkfifo", ["-m", "0666", ...made]);
    if (status !== 0) throw new Error(`mkfifo failed: ${String(stderr).trim()}`);
    madeCount += made.length;
    const [first = "", ...others] = made;
    free.push(...others);
    return first;
  }

  return {
    open() {
      const path = takeFifo();
      // The reader comes first: opening the other side would wait for it.
      const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writeFd = openSync(path, constants.O_WRONLY);
      const readable = new Socket({ fd: readFd, readable: true, writable: false });
      // Only after the end is nobody left who could write into its next use.
      readable.once("end", () => free.push(path));
      return { writeFd, readable };
    },
  };
}

export function closeWriteEnds(pipes: readonly OutputPipe[]): void {
  for (const { writeFd } of pipes) closeSync(writeFd);
}
