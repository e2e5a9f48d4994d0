import assert from "node:assert/strict";
import { test } from "node:test";
import { NameTable } from "./name-set.ts";
import { StreamOrder } from "./order.ts";
import { createResourceSet, type Resource } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { applyDelta } from "./subscription.ts";

/** A stream whose client asks for `names`, and what it is sent, response by response. */
function streamOf(type: ResourceType, names: readonly string[]) {
  const resources = names.map((name) => [type, resource(name)] as const);
  const set = createResourceSet(resources);
  const order = new StreamOrder(set, {
    nameTable: () => new NameTable(),
    emptyResource: () => undefined,
    clusterWaitMs: 2_000,
    maxUnacknowledgedBytes: 1_000,
    canRemoveByName: true,
    wasInterrupted: false,
  });
  const request = { subscribe: names, unsubscribe: [], initialVersions: new Map(), isFirst: true };
  applyDelta(order.subscribe(type), set, request);
  let count = 0;
  const send = (): { nonce: string; names: string[] }[] => {
    const planned = order.next(0);
    if (planned === undefined) return [];
    count += 1;
    const nonce = String(count);
    order.recordSent(planned, nonce);
    return [{ nonce, names: planned.resources.map(({ name }) => name) }, ...send()];
  };
  const answer = (nonce: string, isAcknowledged: boolean) =>
    order.recordVerdict(type, nonce, { isAcknowledged, isCumulative: false });
  return { send, answer };
}

function resource(name: string): Resource {
  return { name, version: "1", body: [], needs: [] };
}

test("StreamOrder sends what was refused together once more, each alone", () => {
  const { send, answer } = streamOf("route", ["80", "9090"]);
  assert.deepEqual(send(), [{ nonce: "1", names: ["80", "9090"] }]);
  answer("1", false);
  assert.deepEqual(send(), [
    { nonce: "2", names: ["80"] },
    { nonce: "3", names: ["9090"] },
  ]);
  answer("2", false);
  answer("3", true);
  assert.deepEqual(send(), [], "what is refused alone isn't sent again");
});

test("StreamOrder sends no listeners again that were refused together: Envoy has taken the good ones", () => {
  const { send, answer } = streamOf("listener", ["one", "other"]);
  assert.deepEqual(send(), [{ nonce: "1", names: ["one", "other"] }]);
  answer("1", false);
  assert.deepEqual(send(), []);
});
