// The index against a look at every source of every row, with rows of shared parts and rows without parts that come, go
// and change.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ObjectKey } from "../core/object-key.ts";
import { fragment, joinParts, partOf, type ResourcePart } from "../envoy/fragment.ts";
import type { Provenance } from "../view/provenance.ts";
import { assembleResource, type BuiltResource } from "./built-resource.ts";
import { present } from "./resource-row.ts";
import { type PresentRow, SourceIndex } from "./source-index.ts";

const objects = ["a", "b", "c", "d"].map((name) => `VirtualService/shop/${name}` as ObjectKey);
const provenance = fc.array(
  fc.constantFrom(...objects).map((object) => ({ object })),
  { maxLength: 3 },
);
/** The places of rows, and the parts that they may be made of. */
const PLACE_COUNT = 4;
const PART_COUNT = 5;

const step = fc.record({
  place: fc.nat(PLACE_COUNT - 1),
  made: fc.oneof(
    fc.record({ plain: provenance }),
    fc.record({ parts: fc.array(fc.nat(PART_COUNT - 1), { maxLength: 3 }) }),
    fc.constant(undefined),
  ),
});

test("SourceIndex finds the rows that an object is a source of, each once", () => {
  let foundCount = 0;
  fc.assert(
    fc.property(
      fc.array(provenance, { minLength: PART_COUNT, maxLength: PART_COUNT }),
      fc.array(step, { minLength: 1, maxLength: 20 }),
      (sourcesOfParts, steps) => {
        const parts = sourcesOfParts.map(partFrom);
        const index = new SourceIndex();
        const rows = new Map<number, PresentRow>();
        for (const { place, made } of steps) {
          const row = made && rowFrom(made, parts);
          index.replace(rows.get(place), row);
          if (row === undefined) rows.delete(place);
          else rows.set(place, row);
          for (const object of objects) {
            const found = [...index.rowsOf(object)];
            const wanted = [...rows.values()].filter(({ resource }) => isSource(object, resource));
            assert.equal(found.length, wanted.length);
            assert.deepEqual(new Set(found), new Set(wanted));
            foundCount += found.length;
          }
        }
      },
    ),
  );
  assert.ok(foundCount > 100, `${foundCount} rows were found`);
});

function partFrom(sources: Provenance, number: number): ResourcePart {
  const leaves = [sources.slice(0, 1), sources.slice(1)].map((some, half) =>
    partOf({ fragment: fragment(Buffer.from(`${number} ${half}`)), needs: [], provenance: some }),
  );
  return joinParts(leaves);
}

type Made = { readonly plain: Provenance } | { readonly parts: readonly number[] };

function rowFrom(made: Made, parts: readonly ResourcePart[]): PresentRow {
  const resource: BuiltResource =
    "plain" in made
      ? { name: "plain", version: "1", body: [], needs: [], provenance: made.plain }
      : assembleResource(
          "assembled",
          made.parts.flatMap((number) => parts[number] ?? []),
        );
  return present(resource) as PresentRow;
}

function isSource(object: ObjectKey, { provenance }: BuiltResource): boolean {
  return provenance.some((part) => part.object === object);
}
