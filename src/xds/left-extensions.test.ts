import assert from "node:assert/strict";
import { test } from "node:test";
import { InternedNames } from "./name-set.ts";
import { StreamOrder } from "./order.ts";
import { createResourceSet, type Resource } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { applyDelta } from "./subscription.ts";

const WAIT_MS = 2_000;

function extension(name: string, version: string): Resource {
  return { name, version, body: [], needs: [] };
}

/** A listener that names some extensions, and what these are. */
function set(listenerVersion: string, names: readonly string[], version: string) {
  const needs = names.map((name) => ({ type: "extension-config" as const, name }));
  return createResourceSet([
    ["listener", { name: "l", version: listenerVersion, body: [], needs }],
    ...["sole", "one", "two"].map((name) => ["extension-config", extension(name, version)] as const),
  ]);
}

/** A client that has a listener with `sole`. */
function client() {
  const order = new StreamOrder(set("1", ["sole"], "1"), {
    internedNames: () => new InternedNames(),
    emptyResource: () => undefined,
    clusterWaitMs: WAIT_MS,
    maxUnacknowledgedBytes: 1_000,
    canRemoveByName: true,
    wasInterrupted: false,
  });
  let count = 0;
  const subscribe = (type: ResourceType, ...names: readonly string[]) =>
    applyDelta(order.subscribe(type), order.set, {
      subscribe: names,
      unsubscribe: [],
      initialVersions: new Map(),
      isFirst: names.length === 0,
    });
  const sent: { readonly nonce: string; readonly type: ResourceType }[] = [];
  const send = (nowMs = 0): readonly string[] => {
    const planned = order.next(nowMs);
    if (planned === undefined) return [];
    count += 1;
    const nonce = String(count);
    order.recordSent(planned, nonce);
    sent.push({ nonce, type: planned.type });
    return [...planned.resources.map(({ name }) => name), ...send(nowMs)];
  };
  const acknowledge = () => {
    for (const { type, nonce } of sent.splice(0))
      order.recordVerdict(type, nonce, { errorDetail: undefined, isCumulative: false });
  };
  subscribe("listener");
  subscribe("extension-config", "sole");
  assert.deepEqual(send(), ["sole", "l"]);
  acknowledge();
  return { order, subscribe, send, acknowledge };
}

test("an extension that the newer listener doesn't use waits until this has all of its own", () => {
  const { order, subscribe, send, acknowledge } = client();
  order.publish(set("2", ["one", "two"], "2"), "all");
  assert.deepEqual(send(), ["l"]);
  acknowledge();
  assert.deepEqual(send(), []);
  subscribe("extension-config", "one", "two");
  assert.deepEqual(send(), ["one", "two"]);
  acknowledge();
  assert.deepEqual(send(), ["sole"]);
});

test("it waits no longer than routes do for clusters", () => {
  const { order, send } = client();
  order.publish(set("2", ["one", "two"], "2"), "all");
  assert.deepEqual(send(), ["l"]);
  assert.equal(order.wakeAtMs(0), WAIT_MS);
  assert.deepEqual(send(WAIT_MS), ["sole"]);
});

test("one that the newer listener uses goes before it", () => {
  const { order, send } = client();
  order.publish(set("2", ["sole", "one"], "2"), "all");
  assert.deepEqual(send(), ["sole", "l"]);
});
