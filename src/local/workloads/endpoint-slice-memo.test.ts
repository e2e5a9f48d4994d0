import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import { EndpointSliceMemo } from "./endpoint-slice-memo.ts";
import { buildEndpointSlices } from "./endpoint-slices.ts";

function service(name: string, port = 80): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { selector: { app: name }, ports: [{ port }] },
  };
}

function pod(name: string, app: string, podIP: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: { app } },
    spec: { containers: [] },
    status: { phase: "Running", podIP, conditions: [{ type: "Ready", status: "True" }] },
  };
}

test("EndpointSliceMemo makes the slices of what changed, and no others", () => {
  const memo = new EndpointSliceMemo();
  const [a, b] = [service("a"), service("b")];
  const [ofA, ofB] = [pod("a-1", "a", "10.244.0.2"), pod("b-1", "b", "10.244.0.3")];
  const before = [memo.slicesOf(a, [ofA, ofB]), memo.slicesOf(b, [ofA, ofB])];
  const moved = pod("a-1", "a", "10.244.0.9");
  const changed = memo.slicesOf(a, [moved, ofB]);
  assert.deepEqual(changed, buildEndpointSlices(a, [moved]));
  assert.notDeepEqual(changed, before[0]);
  assert.equal(memo.slicesOf(b, [moved, ofB]), before[1]);
  const edited = service("b", 81);
  assert.deepEqual(memo.slicesOf(edited, [moved, ofB]), buildEndpointSlices(edited, [ofB]));
  assert.deepEqual(memo.slicesOf(b, [moved]), buildEndpointSlices(b, []));
});

test("EndpointSliceMemo knows what is published by its meaning", () => {
  const memo = new EndpointSliceMemo();
  const [wanted] = memo.slicesOf(service("a"), [pod("a-1", "a", "10.244.0.2")]);
  assert.ok(wanted !== undefined);
  const published = { ...wanted, metadata: { ...wanted.metadata, uid: "1", generation: 3 } };
  assert.ok(!memo.isPublished(undefined, wanted));
  for (const _again of [1, 2]) assert.ok(memo.isPublished(published, wanted));
  const [other] = memo.slicesOf(service("a"), [pod("a-1", "a", "10.244.0.9")]);
  assert.ok(other !== undefined && !memo.isPublished(published, other));
  assert.ok(memo.isPublished(published, wanted));
});
