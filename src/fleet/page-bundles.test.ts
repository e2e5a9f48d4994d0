// Bundles of pages against the plain list of pages, with pages that come, go and change.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fragment, partOf, type ResourcePart } from "../envoy/fragment.ts";
import { Graph } from "../graph/graph.ts";
import type { SettledNames } from "../view/settled-names.ts";
import { declarePageBundles } from "./page-bundles.ts";

/** With one reader, of port 80. */
function bundledPages() {
  const graph = new Graph();
  const pages = graph.source<ResourcePart>("pages");
  const pagesOfPorts = graph.source<readonly string[]>("pages of ports");
  const families = graph.deriveOne<readonly "ipv4"[]>({ name: "families", value: () => ["ipv4"] });
  const without = graph.source<readonly string[]>("left out");
  const names = { families, pagesOfPorts } as unknown as SettledNames;
  const cover = declarePageBundles(graph, pages, names);
  const covers = graph.derive<readonly string[], readonly ResourcePart[]>({
    name: "covers",
    from: without,
    equal: () => false,
    rows: (port, left, read) => [[port, cover({ port, families: "ipv4", without: left }, read)]],
  });
  const put = (texts: ReadonlyMap<string, string>, left: readonly string[] = []) =>
    graph.commit((transaction) => {
      for (const [key] of pages.entries()) transaction.delete(pages, key);
      for (const [page, text] of texts) {
        const part = partOf({ fragment: fragment(Buffer.from(text)), needs: [], provenance: [] });
        transaction.set(pages, `80 ${page} far ipv4`, part);
      }
      transaction.set(pagesOfPorts, "80", [...texts.keys()].sort());
      transaction.set(without, "80", left);
    });
  const parts = () => covers.get("80") ?? [];
  const text = () =>
    parts().flatMap(({ fragments }) => fragments.map(({ bytes }) => Buffer.from(bytes).toString()));
  return { put, parts, text };
}

const pageNames = fc.uniqueArray(
  fc.stringMatching(/^[a-z]{1,6}$/).map((name) => `${name}.svc.cluster.local`),
  { maxLength: 60 },
);

test("declarePageBundles() covers every page once, but those left out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(pageNames, fc.nat(), fc.nat()), { minLength: 1, maxLength: 5 }),
      (steps) => {
        const bundled = bundledPages();
        for (const [names, one, other] of steps) {
          // One that is left out may be a page of nobody's.
          const left = [
            names[one % (names.length + 1)] ?? "nobody",
            names[other % (names.length + 1)] ?? "zzz",
          ];
          bundled.put(new Map(names.map((name) => [name, `text of ${name}`])), left);
          const wanted = names.filter((name) => !left.includes(name)).map((name) => `text of ${name}`);
          assert.deepEqual([...bundled.text()].sort(), wanted.sort());
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("declarePageBundles() makes a port with a thousand pages of a few dozen parts", () => {
  const bundled = bundledPages();
  const names = Array.from({ length: 1_000 }, (_, index) => `team-${index}.svc.cluster.local`);
  const texts = new Map(names.map((name) => [name, name]));
  bundled.put(texts, ["team-500.svc.cluster.local"]);
  const before = new Set(bundled.parts().map(({ hash }) => hash));
  assert.ok(before.size < 80, String(before.size));
  bundled.put(texts.set("team-7.svc.cluster.local", "changed"), ["team-500.svc.cluster.local"]);
  assert.equal(bundled.parts().filter(({ hash }) => !before.has(hash)).length, 1);
});
