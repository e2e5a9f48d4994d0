import assert from "node:assert/strict";
import { test } from "node:test";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import { problemLedger } from "./problem-ledger.ts";

function record() {
  const told: string[] = [];
  const ledger = problemLedger({
    onAppear: ({ message }) => told.push(`+${message}`),
    onGone: ({ message }) => told.push(`-${message}`),
  });
  return { ledger, told };
}

function found(message: string, line = 1): Problem {
  return problem("MLT1001", { message, location: { file: "a.yaml", line, column: 1 } });
}

test("problemLedger() tells what came and what went, by source", () => {
  const { ledger, told } = record();
  ledger.update("files", [found("one"), found("two")]);
  ledger.update("supervisor", []);
  ledger.update("files", [found("two"), found("three")]);
  assert.deepEqual(told, ["+one", "+two", "-one", "+three"]);
});

test("problemLedger() takes a problem that only moved for the same", () => {
  const { ledger, told } = record();
  ledger.update("files", [found("one", 3)]);
  ledger.update("files", [found("one", 4)]);
  assert.deepEqual(told, ["+one"]);
});

test("problemLedger() tells once what two sources say, and that it is gone when neither does", () => {
  const { ledger, told } = record();
  ledger.update("files", [found("one")]);
  ledger.update("supervisor", [found("one")]);
  ledger.update("files", []);
  assert.deepEqual(told, ["+one"]);
  ledger.update("supervisor", []);
  assert.deepEqual(told, ["+one", "-one"]);
});
