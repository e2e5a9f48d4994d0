// A shell that a reader of the guides has open: runs one command after the other, and keeps functions and variables.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";

export interface Shell {
  /** Resolves when the command has ended. One at a time. */
  run(command: string): Promise<ShellOutput>;
  close(): Promise<void>;
}

export interface ShellOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function openShell({ cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }): Shell {
  const child = spawn("bash", ["--noprofile", "--norc"], { cwd, env });
  const closed = once(child, "close");
  return {
    run(command) {
      const mark = `end-${randomUUID()}`;
      const outputs = Promise.all([readUntil(child.stdout, mark), readUntil(child.stderr, mark)]);
      const tell = `printf '\\n%s %d\\n' ${mark} "$code"`;
      // Commands have an input of their own: they would read the next ones.
      child.stdin.write(`{ ${command}\n} </dev/null; code=$?; ${tell}; ${tell} >&2\n`);
      return outputs.then(([stdout, stderr]) => ({
        code: stdout.code,
        stdout: stdout.text,
        stderr: stderr.text,
      }));
    },
    async close() {
      child.stdin.end();
      await closed;
    },
  };
}

/** Rejects when the shell ends before. */
function readUntil(stream: Readable, mark: string): Promise<{ text: string; code: number }> {
  const end = new RegExp(`^([^]*)\\n${mark} (\\d+)\\n$`);
  return new Promise((resolve, reject) => {
    let read = "";
    const stop = () => {
      stream.off("data", take);
      stream.off("end", fail);
    };
    const take = (chunk: string) => {
      read += chunk;
      const [, text = "", code] = end.exec(read) ?? [];
      if (code === undefined) return;
      stop();
      resolve({ text, code: Number(code) });
    };
    const fail = () => {
      stop();
      reject(new Error(`The shell has ended:\n${read}`));
    };
    stream.setEncoding("utf8").on("data", take).on("end", fail);
  });
}
