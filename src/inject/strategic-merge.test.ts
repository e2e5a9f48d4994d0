import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeStrategically, overrideContainer } from "./strategic-merge.ts";

const cases = [
  { name: "replaces plain fields", base: { a: 1 }, over: { a: 2 }, merged: { a: 2 } },
  {
    name: "merges objects",
    base: { m: { a: 1, b: 1 } },
    over: { m: { b: 2 } },
    merged: { m: { a: 1, b: 2 } },
  },
  { name: "removes by null", base: { m: { a: 1, b: 1 } }, over: { m: { a: null } }, merged: { m: { b: 1 } } },
  {
    name: "merges containers by name and adds new ones",
    base: { containers: [{ name: "app", image: "a" }] },
    over: {
      containers: [
        { name: "app", tty: true },
        { name: "log", image: "l" },
      ],
    },
    merged: {
      containers: [
        { name: "app", image: "a", tty: true },
        { name: "log", image: "l" },
      ],
    },
  },
  {
    name: "takes a variable whole",
    base: { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "x" } } }, { name: "B" }] },
    over: { env: [{ name: "A", value: "1" }] },
    merged: { env: [{ name: "A", value: "1" }, { name: "B" }] },
  },
  {
    name: "takes another source of a volume whole",
    base: { volumes: [{ name: "v", emptyDir: {} }] },
    over: { volumes: [{ name: "v", secret: { secretName: "s" } }] },
    merged: { volumes: [{ name: "v", secret: { secretName: "s" } }] },
  },
  {
    name: "removes an item by its directive",
    base: { volumes: [{ name: "v", emptyDir: {} }, { name: "w" }] },
    over: { volumes: [{ name: "v", $patch: "delete" }] },
    merged: { volumes: [{ name: "w" }] },
  },
  {
    name: "replaces an object by its directive",
    base: { securityContext: { runAsUser: 1, runAsGroup: 1 } },
    over: { securityContext: { $patch: "replace", runAsUser: 2 } },
    merged: { securityContext: { runAsUser: 2 } },
  },
  {
    name: "replaces lists without keys",
    base: { args: ["a", "b"] },
    over: { args: ["c"] },
    merged: { args: ["c"] },
  },
];

for (const { name, base, over, merged } of cases) {
  test(`mergeStrategically() ${name}`, () => {
    assert.deepEqual(mergeStrategically(base, over), merged);
  });
}

test("mergeStrategically() applied twice is the same as once", () => {
  const names = fc.constantFrom("a", "b", "c");
  const item = fc.record({ name: names, value: fc.string() }, { requiredKeys: ["name"] });
  const env = fc.uniqueArray(item, { selector: ({ name }) => name });
  const part = fc.record(
    { env, image: fc.string(), m: fc.dictionary(names, fc.constantFrom(null, 1, 2)) },
    { requiredKeys: [] },
  );
  let mergedCount = 0;
  fc.assert(
    fc.property(part, part, (base, over) => {
      const once = mergeStrategically(base, over);
      assert.deepEqual(mergeStrategically(once, over), once);
      if (Object.keys(base).length > 0 && Object.keys(over).length > 0) mergedCount++;
    }),
  );
  assert.ok(mergedCount > 0);
});

test("overrideContainer() takes the image auto for the generated one", () => {
  const merged = overrideContainer({ name: "p", image: "mesh" }, { name: "p", image: "auto", tty: true });
  assert.deepEqual(merged, { name: "p", image: "mesh", tty: true });
});

test("overrideContainer() takes no pull policy that the API server made up for auto", () => {
  const generated = { name: "p", image: "mesh:1" };
  const pullPolicyFor = (image: string, imagePullPolicy: "Always" | "Never") =>
    overrideContainer(generated, { name: "p", image, imagePullPolicy }).imagePullPolicy;
  assert.equal(pullPolicyFor("auto", "Always"), undefined);
  assert.equal(pullPolicyFor("auto", "Never"), "Never");
  assert.equal(pullPolicyFor("own:1", "Always"), "Always");
});
