import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { shellWord } from "./shell-word.ts";

test("shellWord() gives a shell back what it was given", () => {
  for (const text of [
    "",
    "a b",
    "'",
    "''\\''",
    "$HOME `id` $(id)",
    '"',
    "\\",
    "-n",
    "a\nb",
    "é*?[x]~#;&|<>",
  ]) {
    assert.equal(execFileSync("/bin/sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" }), text);
  }
});
