// The reader of the guides: what it takes for a command, and what for the output of one.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { isAsExpected, readGuide } from "./guide.ts";

function read(context: { after(end: () => void): void }, text: string) {
  const directory = mkdtempSync(join(tmpdir(), "meltemi-guide-"));
  context.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "guide.md"), text);
  return readGuide(pathToFileURL(join(directory, "guide.md")));
}

test("readGuide() takes commands of sh blocks alone, whole, with what they print", (t) => {
  const guide = [
    "Text. # none",
    "```",
    "not this",
    "```",
    "```sh",
    "f() {",
    "  echo '# 1' |",
    "    cat",
    "}",
    "",
    "f -H 'a: #b'   # 1, as it should",
    "echo a \\",
    "  b",
    "```",
  ].join("\n");
  assert.deepEqual(read(t, guide), [
    { text: "f() {\n  echo '# 1' |\n    cat\n}", line: 9, expected: undefined },
    { text: "f -H 'a: #b'", line: 11, expected: "1, as it should" },
    { text: "echo a \\\n  b", line: 13, expected: undefined },
  ]);
});

test("readGuide() throws for a command without an end", (t) => {
  assert.throws(() => read(t, "```sh\necho \\\n```\n"), /guide\.md:3: the command before isn't complete/);
});

test("isAsExpected() wants all that is printed, and takes a reason after it", () => {
  assert.equal(isAsExpected("a\nb\n", "a, b"), true);
  assert.equal(isAsExpected("200\n", "200, as ever"), true);
  assert.equal(isAsExpected("200\n", "2000"), false);
  assert.equal(isAsExpected("a\nb\n", "a"), false);
  assert.equal(isAsExpected("", "200"), false);
  assert.equal(isAsExpected("", ""), false);
});
