import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetedRead, ReadBudgetSpent } from "./budgeted-read.ts";
import { Graph } from "./graph.ts";

test("budgetedRead() reads rows until all that it may are read", () => {
  const graph = new Graph();
  const table = graph.source<number>("numbers");
  const index = graph.index(table, "by parity", (value) => [value % 2 === 0 ? "even" : "odd"]);
  const only = graph.deriveOne({ name: "only", value: () => "here" });
  graph.commit((transaction) => {
    for (const value of [1, 2, 3, 4, 5]) transaction.set(table, String(value), value);
  });
  const read = budgetedRead(10);
  assert.equal(read.one(only), "here");
  assert.equal(read.get(table, "9"), undefined);
  assert.equal(read.find(index, "odd").length, 3);
  assert.equal(read.all(table).length, 5);
  assert.throws(() => read.get(table, "1"), ReadBudgetSpent);
  assert.throws(() => budgetedRead(4).all(table), ReadBudgetSpent);
});
