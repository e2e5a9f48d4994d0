import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { findTool } from "../network/run-tool.ts";
import { terminalCommand } from "./terminal-command.ts";

const script = findTool("script") ?? "";

function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const choices = { script, type: "xterm-256color" };
  const { argv: words, env: environment } = terminalCommand({ argv, env }, choices);
  const [program = "", ...args] = words;
  return spawnSync(program, args, { env: environment, encoding: "utf8", input: "" });
}

test("terminalCommand() runs the command on a terminal, with its words and its exit code", () => {
  const words = ["a b", "$HOME", "it's", "", "\\", "ü\n1"];
  const program =
    "console.log(String(process.stdout.isTTY), JSON.stringify(process.argv.slice(1))); process.exit(7)";
  const { stdout, status } = run([process.execPath, "-e", program, "--", ...words]);
  assert.deepEqual([stdout.trim(), status], [`true ${JSON.stringify(words)}`, 7]);
});

test("terminalCommand() names the terminal's type, and leaves the command's own variables as they are", () => {
  const print = ["/bin/sh", "-c", 'echo "$TERM $SHELL $A"'];
  assert.equal(run(print).stdout.trim(), "xterm-256color");
  const env = { TERM: "dumb", SHELL: "/bin/false", A: "it's" };
  assert.equal(run(print, env).stdout.trim(), "dumb /bin/false it's");
});

test("terminalCommand() ends with 128 and the signal's number where one ended the command", () => {
  assert.equal(run(["/bin/sh", "-c", "kill -TERM $$"]).status, 143);
});
