import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostnamesOverlap, isHostnameWithin } from "./hostname.ts";
import { createHostnameSet, firstOverlaps } from "./hostname-overlaps.ts";

const host = fc.oneof(
  fc.constantFrom("*", "*.a", "*a", "a", "*b.a", ""),
  fc
    .tuple(fc.constantFrom("", "*", "*."), fc.array(fc.constantFrom("a", "b", "ab"), { maxLength: 3 }))
    .map(([start, labels]) => `${start}${labels.join(".")}`),
);
const hosts = fc.array(host, { maxLength: 12 });

test("firstOverlaps() finds what comparing each host with each before it finds", () => {
  let overlapCount = 0;
  fc.assert(
    fc.property(hosts, (list) => {
      const wanted = list.flatMap((each, index): [number, number][] => {
        const twin = list.slice(0, index).findIndex((other) => hostnamesOverlap(each, other));
        return twin === -1 ? [] : [[index, twin]];
      });
      overlapCount += wanted.length;
      assert.deepEqual(
        [...firstOverlaps(list)].sort(([a], [b]) => a - b),
        wanted,
      );
    }),
    { numRuns: 3_000 },
  );
  assert.ok(overlapCount > 1_000, `${overlapCount} overlaps`);
});

test("createHostnameSet() contains what is within one of its hosts", () => {
  let withinCount = 0;
  fc.assert(
    fc.property(hosts, host, (outers, inner) => {
      const wanted = outers.some((outer) => isHostnameWithin(inner, outer));
      if (wanted) withinCount += 1;
      assert.equal(createHostnameSet(outers).contains(inner), wanted, `${inner} in ${outers.join(" ")}`);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(withinCount > 300, `${withinCount} within`);
});

test("createHostnameSet() finds what a wildcard stands for", () => {
  let foundCount = 0;
  fc.assert(
    fc.property(hosts, fc.constantFrom("*", "*.a", "*a", "*b.a", "*.b.a", "*.ab.a"), (list, wildcard) => {
      const wanted = [...new Set(list)].filter((each) => isHostnameWithin(each, wildcard));
      foundCount += wanted.length;
      assert.deepEqual([...createHostnameSet(list).within(wildcard)].sort(), wanted.sort());
    }),
    { numRuns: 2_000 },
  );
  assert.ok(foundCount > 1_000, `${foundCount} found`);
});
