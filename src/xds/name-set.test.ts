import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InternedNames, NameSet } from "./name-set.ts";

test("NameSet holds what a Set holds, and InternedNames forgets what no set holds", () => {
  let largest = 0;
  const step = fc.tuple(fc.constantFrom("add", "add", "delete"), fc.nat(2), fc.nat(90));
  const steps = fc.array(step, { maxLength: 400, size: "max" });
  fc.assert(
    fc.property(steps, (script) => {
      const table = new InternedNames();
      const pairs = [0, 1, 2].map(() => ({ real: new NameSet(table), model: new Set<string>() }));
      for (const [verb, which, number] of script) {
        const pair = pairs[which];
        if (verb === "add") {
          pair?.real.add(`name-${number}`);
          pair?.model.add(`name-${number}`);
        } else {
          assert.equal(pair?.real.delete(`name-${number}`), pair?.model.delete(`name-${number}`));
        }
      }
      for (const { real, model } of pairs) {
        assert.deepEqual([...real].sort(), [...model].sort());
        assert.equal(real.size, model.size);
        assert.equal(real.characterCount, [...model].join("").length);
        for (const name of model) assert.ok(real.has(name));
        largest = Math.max(largest, real.size);
      }
      assert.equal(table.size, new Set(pairs.flatMap(({ model }) => [...model])).size);
      for (const { real } of pairs) real.clear();
      assert.equal(table.size, 0);
    }),
  );
  assert.ok(largest > 33, `the largest set had ${largest} names`);
});
