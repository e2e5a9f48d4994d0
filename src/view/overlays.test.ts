// Overlays whose results are patched messages: what a proxy is served is what it would get if its resources were built
// and patched for it alone, and who has no overlay notices nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Edit, overlayFixture, type PatchedProxy } from "../../tests/support/overlay-fixture.ts";

const NAMES = ["c0", "c1", "c2"];
const MESH: readonly Edit[] = NAMES.map((cluster) => ({ layer: "", cluster, seconds: 1 }));
const WEB = { labels: { app: "web" }, clusters: ["c0", "c2"], serviceName: "other" } as const;

describe("deriveOverlaidRows()", () => {
  test("gives each proxy what is built and patched for it alone", () => {
    const seen = { unpatched: 0, patched: 0, patchedTwice: 0, absent: 0, profilesShared: 0 };
    const commits = fc.array(fc.array(someEdit(), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(commits, (each) => {
        const mesh = overlayFixture();
        for (const edits of each) {
          mesh.edit(...edits);
          const keys = [...mesh.proxies.entries()].map(([key]) => key);
          for (const key of keys) {
            for (const name of NAMES) {
              const alone = mesh.builtAlone(key, name);
              assert.deepEqual(mesh.served(key, name), alone?.resource);
              if (alone === undefined) seen.absent += 1;
              else if (alone.patchCount === 0) seen.unpatched += 1;
              else if (alone.patchCount === 1) seen.patched += 1;
              else seen.patchedTwice += 1;
            }
          }
          if (new Set(keys.map((key) => mesh.profiles.get(key)?.id)).size < keys.length)
            seen.profilesShared += 1;
        }
      }),
      { numRuns: 150 },
    );
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 50, `${what}: ${count}`);
  });

  test("applies an overlay once a row that it touches, however many proxies have it", () => {
    const mesh = overlayFixture();
    mesh.edit(...MESH);
    for (let at = 0; at < 20; at += 1) mesh.edit({ proxy: `w${at}`, to: proxy(at < 10 ? "web" : "jobs") });
    mesh.edit({ patch: "p", to: WEB });
    assert.equal(mesh.appliedCount(), 2);
    mesh.edit({ proxy: "w99", to: proxy("web") });
    assert.equal(mesh.appliedCount(), 2);
    mesh.edit({ layer: "", cluster: "c0", seconds: 2 }, { layer: "", cluster: "c1", seconds: 2 });
    assert.equal(mesh.appliedCount(), 3);
    mesh.edit({ patch: "p", to: { ...WEB, serviceName: "third" } });
    assert.equal(mesh.appliedCount(), 5);
  });

  test("changes nothing of a proxy without an overlay", () => {
    const mesh = overlayFixture();
    mesh.edit(...MESH, { proxy: "web", to: proxy("web") }, { proxy: "jobs", to: proxy("jobs") });
    const before = [mesh.profiles.get("jobs"), ...NAMES.map((name) => mesh.served("jobs", name))];
    assert.deepEqual(mesh.edit({ patch: "p", to: WEB }), ["^p|c0", "^p|c2"]);
    const after = [mesh.profiles.get("jobs"), ...NAMES.map((name) => mesh.served("jobs", name))];
    assert.ok(after.every((each, at) => each !== undefined && each === before[at]));
    assert.deepEqual(mesh.edit({ patch: "p", to: undefined }), ["^p|c0", "^p|c2"]);
  });

  test("reads what a resource needs, and who is to blame, from what was patched", () => {
    const mesh = overlayFixture();
    mesh.edit(...MESH, { proxy: "web", to: proxy("web") }, { patch: "p", to: WEB });
    const { needs, provenance } = mesh.served("web", "c0") ?? {};
    assert.deepEqual(needs, [{ type: "endpoint", name: "other" }]);
    assert.deepEqual(provenance, [{ object: "EnvoyFilter/a/p" }]);
  });

  test("lays an overlay over those layers alone that its proxies have, as long as there are any", () => {
    const mesh = overlayFixture();
    mesh.edit(...MESH, { layer: "a", cluster: "c0", seconds: 5 }, { layer: "b", cluster: "c0", seconds: 6 });
    mesh.edit({ patch: "p", to: WEB }, { proxy: "web", to: proxy("web") });
    assert.deepEqual(mesh.layers(), ["", "^p", "a", "a^p", "b"]);
    mesh.edit({ proxy: "web", to: undefined });
    assert.deepEqual(mesh.layers(), ["", "a", "b"]);
  });
});

function proxy(app: string): PatchedProxy {
  return { namespace: "a", labels: { app }, place: "" };
}

function someEdit(): fc.Arbitrary<Edit> {
  const app = fc.constantFrom("web", "jobs");
  const seconds = fc.constantFrom(1, 2, 3, "absent" as const, undefined);
  const patch = fc.record({
    labels: fc.oneof(fc.constant({}), fc.record({ app })),
    clusters: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
    serviceName: fc.constantFrom("e1", "e2"),
  });
  const client = fc.record({
    namespace: fc.constantFrom("a", "b"),
    labels: fc.oneof(fc.constant({}), fc.record({ app })),
    place: fc.constantFrom("", "~near"),
  });
  return fc.oneof(
    fc.record({
      layer: fc.constantFrom("", "a", "b", "^~near", "a^~near"),
      cluster: fc.constantFrom(...NAMES),
      seconds,
    }),
    fc.record({ patch: fc.constantFrom("p1", "p2"), to: fc.option(patch, { nil: undefined }) }),
    fc.record({
      proxy: fc.constantFrom("w1", "w2", "w3"),
      to: fc.option(client, { nil: undefined, freq: 8 }),
    }),
  );
}
