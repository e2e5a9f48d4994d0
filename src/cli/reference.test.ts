import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { commandList } from "./command-list.ts";
import { renderReference } from "./reference.ts";

test("docs/reference/cli.md is what renderReference() makes of the commands", () => {
  const file = new URL("../../docs/reference/cli.md", import.meta.url);
  const wanted = renderReference(commandList);
  if (process.env.MELTEMI_WRITE === "1") writeFileSync(file, wanted);
  assert.equal(readFileSync(file, "utf8"), wanted, "stale: run this test with MELTEMI_WRITE=1");
});
