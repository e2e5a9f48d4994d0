import assert from "node:assert/strict";
import { test } from "node:test";
import { injectionPlace } from "./injection-place.ts";

const paths: readonly { readonly path: string; readonly place: object | undefined }[] = [
  { path: "/inject", place: {} },
  { path: "/inject/", place: {} },
  { path: "/inject/cluster/east", place: { clusterId: "east" } },
  { path: "/inject/net/blue/cluster/east/", place: { clusterId: "east", network: "blue" } },
  { path: "/inject/cluster/a--slash--b", place: { clusterId: "a/b" } },
  { path: "/inject/cluster/a%2Fb", place: { clusterId: "a/b" } },
  { path: "/inject/:ENV:cluster=a/b:ENV:net=n=1", place: { clusterId: "a/b", network: "n=1" } },
  { path: "/inject/istio_meta_zone/z1", place: { environment: { ISTIO_META_ZONE: "z1" } } },
  { path: "/inject/cluster", place: undefined },
  { path: "/inject/cluster//net/x", place: undefined },
  { path: "/inject/cluster/a/cluster/b", place: undefined },
  { path: "/inject/1x/y", place: undefined },
  { path: "/inject/cluster/%zz", place: undefined },
  { path: "/injection", place: undefined },
  { path: "/validate", place: undefined },
];

for (const { path, place } of paths) {
  test(`injectionPlace() of ${path}`, () => assert.deepEqual(injectionPlace(path), place));
}
