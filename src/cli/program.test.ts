import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandContext, CommandDeclaration } from "./command.ts";
import { CommandFailure, type ExitCode, exitCodes } from "./exit-code.ts";
import { runProgram } from "./program.ts";

async function outcomeOf(error: Error): Promise<{ readonly code: ExitCode; readonly text: string }> {
  let text = "";
  const terminal = { hasColour: false, write: () => undefined, writeError: (said: string) => (text += said) };
  const failing: CommandDeclaration = {
    ...{ name: "fail", summary: "fails", examples: [] },
    load: async () => ({ run: () => Promise.reject(error) }),
  };
  const context = { terminal, env: {}, signal: new AbortController().signal, version: "1" };
  const code = await runProgram(["fail"], [failing], context as unknown as CommandContext);
  return { code, text };
}

test("what a failure quotes moves no cursor, and its lines stay lines", async () => {
  const hostile = "the Envoy says:\n\u001b[2J\u009b2J";
  const told = await outcomeOf(new CommandFailure(exitCodes.no, hostile, hostile));
  assert.deepEqual(told, {
    code: exitCodes.no,
    text: "error: the Envoy says:\n?[2J?2J\nhint: the Envoy says:\n?[2J?2J\n",
  });
  const { text } = await outcomeOf(new Error(hostile));
  assert.equal(text, "error: unexpected: the Envoy says:\n?[2J?2J\nset MELTEMI_DEBUG=1 for the stack\n");
});
