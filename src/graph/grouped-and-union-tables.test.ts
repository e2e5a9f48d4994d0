// Groups, keys of indexes and unions against what a plain loop over the sources gives, over random batches.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Graph } from "./graph.ts";

const KEYS = ["a", "b", "c", "d"];
const batches = fc.array(
  fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 1 }),
      fc.constantFrom(...KEYS),
      fc.option(fc.integer({ min: 0, max: 3 })),
    ),
  ),
  { minLength: 1, maxLength: 12 },
);

test("Graph.group(), Graph.keys() and Graph.union() equal a rebuild from scratch after every commit", () => {
  let rowCount = 0;
  fc.assert(
    fc.property(batches, (writes) => {
      const graph = new Graph();
      const sources = [graph.source<number>("one"), graph.source<number>("two")] as const;
      const union = graph.union("both", sources);
      const byValue = graph.index(union, "value", (value) => [`v${value}`]);
      const groups = graph.group("by value", byValue);
      const keys = graph.keys("values", byValue);
      const sums = graph.derive({
        name: "sums",
        from: groups,
        rows: (key, rows) => [[key, rows.reduce((sum, [, value]) => sum + value, 0)]],
      });
      for (const batch of writes) {
        graph.commit((transaction) => {
          for (const [source, key, value] of batch) {
            if (value === null) transaction.delete(sources[source as 0 | 1], key);
            else transaction.set(sources[source as 0 | 1], key, value);
          }
        });
        const wanted = new Map([...sources[1].entries(), ...sources[0].entries()]);
        assert.deepEqual(new Map(union.entries()), wanted);
        const wantedSums = new Map<string, number>();
        for (const value of wanted.values())
          wantedSums.set(`v${value}`, (wantedSums.get(`v${value}`) ?? 0) + value);
        assert.deepEqual(new Map(sums.entries()), wantedSums);
        assert.deepEqual(new Set([...keys.entries()].map(([key]) => key)), new Set(wantedSums.keys()));
        rowCount += wanted.size;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(rowCount > 1000, "the batches were empty");
});
