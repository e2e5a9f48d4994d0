import assert from "node:assert/strict";
import { test } from "node:test";
import { readNow } from "../../tests/support/mesh-fixture.ts";
import { Graph } from "../graph/graph.ts";
import { declareNestedHostTable, findByHost, findNamed, findWithin, hostLookups } from "./host-table.ts";

const lookups: Readonly<Record<string, readonly string[]>> = {
  "a.b.c": ["a.b.c", "*.b.c", "*.c", "*"],
  "*.b.c": ["*.b.c", "*.c", "*"],
  "*-a.b.c": ["*.b.c", "*.c", "*"],
  single: ["single", "*"],
  "*": ["*"],
};

for (const [hostname, wanted] of Object.entries(lookups)) {
  test(`hostLookups() gives every name under which a host that covers ${hostname} is found`, () => {
    assert.deepEqual(hostLookups(hostname), wanted);
  });
}

const hosts = ["a.b.c", "x-a.b.c", "*-a.b.c", "*a.b.c", "*.b.c", "*c", "*.c", "*", "other"];
const covering: Readonly<Record<string, readonly string[]>> = {
  "a.b.c": ["a.b.c", "*a.b.c", "*.b.c", "*.c", "*c", "*"],
  "x-a.b.c": ["x-a.b.c", "*-a.b.c", "*a.b.c", "*.b.c", "*.c", "*c", "*"],
  "*.b.c": ["*.b.c", "*.c", "*c", "*"],
  "*-a.b.c": ["*-a.b.c", "*a.b.c", "*.b.c", "*.c", "*c", "*"],
  other: ["other", "*"],
  "*": ["*"],
};

for (const [hostname, wanted] of Object.entries(covering)) {
  test(`findByHost() finds what covers ${hostname}, the most specific first`, () => {
    assert.deepEqual(keys(findByHost(readNow, hostTable(), hostname)), wanted);
  });
}

const within: Readonly<Record<string, readonly string[]>> = {
  "*.b.c": ["*-a.b.c", "*a.b.c", "a.b.c", "x-a.b.c"],
  "*a.b.c": ["*-a.b.c", "a.b.c", "x-a.b.c"],
  "*-a.b.c": ["x-a.b.c"],
  "a.b.c": [],
};

for (const [wildcard, wanted] of Object.entries(within)) {
  test(`findWithin() finds what is narrower than ${wildcard}`, () => {
    assert.deepEqual(keys(findWithin(readNow, hostTable(), wildcard)).sort(), wanted);
  });
}

test("findNamed() finds the very host", () => {
  for (const host of hosts) assert.deepEqual(keys(findNamed(readNow, hostTable(), host)), [host]);
  assert.deepEqual(findNamed(readNow, hostTable(), "*x.b.c"), []);
});

function hostTable() {
  const graph = new Graph();
  const source = graph.source<readonly string[]>("hosts");
  const table = declareNestedHostTable(graph, source, { name: "by host", hostsOf: (each) => each });
  graph.commit((transaction) => {
    for (const host of hosts) transaction.set(source, host, [host]);
  });
  return table;
}

function keys(rows: readonly (readonly [string, unknown])[]): string[] {
  return rows.map(([key]) => key);
}
