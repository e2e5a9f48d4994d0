import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { openTerminal } from "./terminal.ts";

function open({ isTTY }: { isTTY: boolean }) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const asked: string[] = [];
  const streams = {
    stdin,
    stdout: { write: () => true },
    stderr: { write: (text: string) => asked.push(text) },
  };
  const stop = new AbortController();
  return { stdin, asked, stop, terminal: openTerminal(streams, {}) };
}

test("openTerminal() asks a person, and takes the first line", async () => {
  const { asked, stdin, stop, terminal } = open({ isTTY: true });
  const answer = terminal.ask("Sure? ", stop.signal);
  stdin.write("ye");
  stdin.write("s\nmore\n");
  assert.deepEqual([await answer, asked], ["yes", ["Sure? "]]);
});

test("openTerminal() asks nobody where standard input is no terminal", async () => {
  const { asked, stop, terminal } = open({ isTTY: false });
  assert.deepEqual([await terminal.ask("Sure? ", stop.signal), asked], [undefined, []]);
});

test("openTerminal() asks no more when the signal aborts, or input ends", async () => {
  const one = open({ isTTY: true });
  const stopped = one.terminal.ask("Sure? ", one.stop.signal);
  one.stop.abort();
  assert.equal(await stopped, undefined);
  const other = open({ isTTY: true });
  const ended = other.terminal.ask("Sure? ", other.stop.signal);
  other.stdin.end();
  assert.equal(await ended, "");
});
