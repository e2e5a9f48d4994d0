// What stands in for a resource that an Envoy refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../xds/resource.ts";
import { HeldBack } from "./held-back.ts";

const envoy = "1.40.0";

function listener(version: string): Resource {
  return { name: "0.0.0.0_80", version, body: [], needs: [] };
}

function refusalOf(resource: Resource, envoyVersion = envoy) {
  const { name, version } = resource;
  return { type: "listener" as const, name, version, envoyVersion, detail: "no such filter", source: [] };
}

test("HeldBack.substitute() gives the version before the refused one to Envoys of the version that refused", () => {
  const heldBack = new HeldBack();
  const [good, bad] = [listener("good"), listener("bad")];
  heldBack.replaced("listener", good, bad);
  assert.equal(heldBack.refuse(refusalOf(bad)), true);
  assert.equal(heldBack.refuse(refusalOf(bad)), false, "the same refusal is no news");
  assert.equal(heldBack.substitute("listener", bad, envoy), good);
  assert.equal(heldBack.substitute("listener", bad, "1.39.0"), bad);
});

test("HeldBack.substitute() gives nothing for a refused resource that had nothing before it", () => {
  const heldBack = new HeldBack();
  heldBack.refuse(refusalOf(listener("bad")));
  assert.equal(heldBack.substitute("listener", listener("bad"), envoy), undefined);
});

test("HeldBack.replaced() lets the last good version stand in again when the mended one is refused too", () => {
  const heldBack = new HeldBack();
  const [good, bad, worse] = [listener("good"), listener("bad"), listener("worse")];
  heldBack.replaced("listener", good, bad);
  heldBack.refuse(refusalOf(bad));
  heldBack.replaced("listener", bad, worse);
  assert.deepEqual(heldBack.all(), [], "the refusal went with the version");
  heldBack.refuse(refusalOf(worse));
  assert.equal(heldBack.substitute("listener", worse, envoy), good);
});

test("HeldBack.acknowledged() forgets what an accepted resource took the place of", () => {
  const heldBack = new HeldBack();
  const [old, next] = [listener("old"), listener("next")];
  heldBack.replaced("listener", old, next);
  heldBack.acknowledged("listener", next.name, next.version);
  heldBack.refuse(refusalOf(next));
  assert.equal(heldBack.substitute("listener", next, envoy), undefined);
});

test("HeldBack keeps resources of one name in two layers apart", () => {
  const heldBack = new HeldBack();
  const [ours, ourBad, theirs, theirNext] = [
    listener("a"),
    listener("a-bad"),
    listener("b"),
    listener("b-next"),
  ];
  heldBack.replaced("listener", ours, ourBad);
  heldBack.replaced("listener", theirs, theirNext);
  heldBack.refuse(refusalOf(ourBad));
  assert.equal(heldBack.substitute("listener", ourBad, envoy), ours);
});
