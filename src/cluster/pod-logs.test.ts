import assert from "node:assert/strict";
import { test } from "node:test";
import { interleave } from "./pod-logs.ts";

/** Gives each item when it is pushed. */
function source() {
  const items: string[] = [];
  let wake: () => void = () => undefined;
  let hasEnded = false;
  async function* generate() {
    for (;;) {
      for (let item = items.shift(); item !== undefined; item = items.shift()) yield item;
      if (hasEnded) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return {
    items: generate(),
    push(item: string) {
      items.push(item);
      wake();
    },
    end() {
      hasEnded = true;
      wake();
    },
  };
}

test("interleave() gives each item as it comes, until all sources end", async () => {
  const [one, other] = [source(), source()];
  const all = interleave([one.items, other.items]);
  other.push("b1");
  assert.equal((await all.next()).value, "b1");
  one.push("a1");
  assert.equal((await all.next()).value, "a1");
  one.end();
  other.push("b2");
  assert.equal((await all.next()).value, "b2");
  other.end();
  assert.equal((await all.next()).done, true);
});

test("interleave() fails with the first source that fails", async () => {
  async function* failing() {
    yield "a1";
    throw new Error("gone");
  }
  const other = source();
  const all = interleave([failing(), other.items]);
  assert.equal((await all.next()).value, "a1");
  await assert.rejects(all.next(), /gone/);
});
