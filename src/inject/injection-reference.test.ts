import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { injectionReference } from "./injection-reference.ts";

const page = new URL("../../docs/reference/injection.md", import.meta.url);

test("docs/reference/injection.md is what the tables say", () => {
  const text = injectionReference();
  if (process.env.MELTEMI_WRITE !== undefined) writeFileSync(page, text);
  assert.equal(readFileSync(page, "utf8"), text, "stale: run this test with MELTEMI_WRITE=1");
});
