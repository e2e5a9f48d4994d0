// Starts a program and waits for it: for set-up and checks. Plain Node, usable before `npm ci`.

import { spawn } from "node:child_process";

/**
 * Runs `command` (program and arguments) and resolves to `{ code, output }`, where `output` holds stdout and
 * stderr as they came. `code` is -1 when the program can't be started or was ended by a signal.
 */
export function runCommand([program, ...args], { cwd, env, signal } = {}) {
  return new Promise((done) => {
    let output = "";
    const child = spawn(program, args, { cwd, env, signal, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => {
      output += `${error.message}\n`;
      if (child.pid === undefined) done({ code: -1, output });
    });
    child.on("close", (code) => done({ code: code ?? -1, output }));
  });
}
