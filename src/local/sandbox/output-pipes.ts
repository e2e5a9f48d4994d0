// Real pipes for the output of containers. Node's own are sockets, and opening /dev/stdout on a socket fails: Envoy's
// access log and many programs do just that.

import { spawnSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync } from "node:fs";
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

/** Names, in a pod's directory, of the fifos made with the pod; more are made when these are in use. */
export const fifoNames: readonly string[] = ["0", "1", "2", "3", "4", "5", "6", "7"].map(
  (at) => `output-${at}`,
);

export function outputPipesIn(directory: string): OutputPipes {
  const free = fifoNames.map((name) => join(directory, name)).filter((path) => existsSync(path));
  let madeCount = free.length;

  function takeFifo(): string {
    const known = free.pop();
    if (known !== undefined) return known;
    const path = join(directory, `output-${madeCount}`);
    madeCount += 1;
    const { status, stderr } = spawnSync("mkfifo", ["-m", "0666", path]);
    if (status !== 0) throw new Error(`mkfifo failed: ${String(stderr).trim()}`);
    return path;
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
