import assert from "node:assert/strict";
import { test } from "node:test";
import { InternedNames } from "./name-set.ts";
import { StreamOrder } from "./order.ts";
import { createResourceSet, type Resource } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { applyDelta } from "./subscription.ts";

/** A stream whose client asks for `names`, and what it is sent, response by response. */
function streamOf(type: ResourceType, names: readonly string[]) {
  const resources = names.map((name) => [type, resource(name)] as const);
  const set = createResourceSet(resources);
  const order = new StreamOrder(set, {
    internedNames: () => new InternedNames(),
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
  const answer = (nonce: string, errorDetail?: string) =>
    order.recordVerdict(type, nonce, { errorDetail, isCumulative: false });
  const publish = (versions: Readonly<Record<string, string>>) => {
    const next = Object.entries(versions).map(([name, version]) => [type, resource(name, version)] as const);
    order.publish(createResourceSet(next), "all");
  };
  const held = () => [...order.heldResources(type)].map(({ name, version }) => `${name} ${version}`);
  return { order, send, answer, publish, held };
}

function resource(name: string, version = "1"): Resource {
  return { name, version, body: [], needs: [] };
}

test("StreamOrder sends what was refused together once more, in halves, until the bad one goes by itself", () => {
  for (const type of ["route", "listener"] as const) {
    const { order, send, answer } = streamOf(type, ["80", "9090", "8080"]);
    assert.deepEqual(send(), [{ nonce: "1", names: ["80", "9090", "8080"] }]);
    answer("1", "no such thing");
    assert.deepEqual(send(), [
      { nonce: "2", names: ["80", "9090"] },
      { nonce: "3", names: ["8080"] },
    ]);
    answer("2", "no such thing");
    answer("3");
    assert.deepEqual(send(), [
      { nonce: "4", names: ["80"] },
      { nonce: "5", names: ["9090"] },
    ]);
    answer("4", "no such thing");
    answer("5");
    assert.deepEqual(send(), [], "what is refused by itself isn't sent again");
    const standings = ["80", "9090", "8080"].map((name) => order.standing({ type, name }));
    assert.deepEqual(standings, ["refused", "in-use", "in-use"]);
  }
});

test("StreamOrder takes a refusal for that of the resources whose very names Envoy says", () => {
  const { order, send, answer } = streamOf("listener", ["80", "8080", "9090"]);
  send();
  const verdict = answer("1", "Error adding/updating listener(s) 8080: no such filter");
  assert.deepEqual(
    verdict?.refused.map(({ resource: { name }, inUse }) => [name, inUse]),
    [["8080", "nothing"]],
  );
  assert.deepEqual(send(), [], "Envoy has taken the others");
  assert.equal(order.standing({ type: "listener", name: "80" }), "in-use");
  assert.equal(order.standing({ type: "listener", name: "8080" }), "refused");
});

test("StreamOrder sends again what came with a named resource that Envoy couldn't decode", () => {
  const { send, answer } = streamOf("cluster", ["a", "b", "c"]);
  send();
  answer("1", 'name: "b" : Proto constraint validation failed');
  assert.deepEqual(send(), [{ nonce: "2", names: ["a", "c"] }]);
});

test("StreamOrder offers a refused listener once more whenever another one changes, and what is newer at once", () => {
  const { send, answer, publish } = streamOf("listener", ["80", "8080"]);
  send();
  answer("1", "Error adding/updating listener(s) 8080: address in use");
  publish({ "80": "1", "8080": "1" });
  assert.deepEqual(send(), [], "nothing has changed");
  publish({ "80": "2", "8080": "1" });
  assert.deepEqual(send(), [
    { nonce: "2", names: ["80"] },
    { nonce: "3", names: ["8080"] },
  ]);
  answer("2");
  answer("3", "address in use");
  assert.deepEqual(send(), []);
  publish({ "8080": "1" });
  assert.deepEqual(send(), [{ nonce: "4", names: ["8080"] }], "with the removal of the other one");
  answer("4", "no such filter");
  publish({ "8080": "2" });
  assert.deepEqual(send(), [{ nonce: "5", names: ["8080"] }]);
});

test("StreamOrder offers a refused version again when it is told to", () => {
  const { order, send, answer } = streamOf("cluster", ["a"]);
  send();
  answer("1", "no such thing");
  order.offerAgain([
    { type: "cluster", name: "a" },
    { type: "cluster", name: "never refused" },
  ]);
  assert.deepEqual(send(), [{ nonce: "2", names: ["a"] }]);
});

test("StreamOrder.heldResources() has the version before a refused one, as the client has", () => {
  const { send, answer, publish, held } = streamOf("cluster", ["a", "b"]);
  send();
  answer("1");
  publish({ a: "2", b: "1" });
  send();
  answer("2", "no such thing");
  assert.deepEqual(held(), ["a 1", "b 1"]);
  publish({ a: "2", b: "1", c: "1" });
  assert.deepEqual(held(), ["a 1", "b 1"], "before it is sent again with c");
});

test("StreamOrder gives up a client that refuses everything, and removes what is gone from it", () => {
  const names = Array.from({ length: 100 }, (_, at) => `c${at}`);
  const { send, answer, publish } = streamOf("cluster", names);
  let responseCount = 0;
  const refuseAll = () => {
    for (let sent = send(); sent.length > 0; sent = send()) {
      responseCount += sent.length;
      for (const { nonce } of sent) answer(nonce, "no");
    }
  };
  refuseAll();
  assert.ok(responseCount < 2 * names.length, `${responseCount} responses`);
  responseCount = 0;
  publish({});
  refuseAll();
  assert.equal(responseCount, 1);
});

test("StreamOrder sends extension configurations one by one, and the last good one again when it is refused", () => {
  const { order, send, answer, publish, held } = streamOf("extension-config", ["jwt", "authorization"]);
  assert.deepEqual(send(), [
    { nonce: "1", names: ["jwt"] },
    { nonce: "2", names: ["authorization"] },
  ]);
  answer("1");
  answer("2");
  publish({ jwt: "2", authorization: "1" });
  assert.deepEqual(send(), [{ nonce: "3", names: ["jwt"] }]);
  assert.deepEqual(answer("3", "no such thing")?.refused[0]?.inUse, resource("jwt"));
  assert.deepEqual(order.next(0), {
    type: "extension-config",
    isRestoring: true,
    resources: [{ name: "jwt", resource: resource("jwt") }],
    removed: [],
  });
  send();
  assert.deepEqual(answer("4"), { resources: [], refused: [] }, "it takes nothing new");
  assert.equal(order.standing({ type: "extension-config", name: "jwt" }), "refused");
  assert.deepEqual(held().sort(), ["authorization 1", "jwt 1"]);
  assert.deepEqual(send(), []);
  publish({ jwt: "3", authorization: "1" });
  assert.deepEqual(send(), [{ nonce: "5", names: ["jwt"] }]);
  answer("5");
  assert.equal(order.standing({ type: "extension-config", name: "jwt" }), "in-use");
});

test("StreamOrder restores nothing where a newer version goes, or there was none, or it is refused as well", () => {
  const { send, answer, publish } = streamOf("extension-config", ["jwt"]);
  send();
  answer("1", "no");
  assert.deepEqual(send(), []);
  publish({ jwt: "2" });
  send();
  answer("2");
  publish({ jwt: "3" });
  send();
  publish({ jwt: "4" });
  answer("3", "no");
  assert.deepEqual(send(), [{ nonce: "4", names: ["jwt"] }]);
  answer("4", "no");
  assert.deepEqual(send(), [{ nonce: "5", names: ["jwt"] }]);
  answer("5", "no");
  assert.deepEqual(send(), []);
});

test("StreamOrder notes a refusal that comes while an older version is being restored", () => {
  const { order, send, answer, publish } = streamOf("extension-config", ["jwt"]);
  send();
  answer("1");
  publish({ jwt: "2" });
  send();
  answer("2", "no");
  assert.deepEqual(send(), [{ nonce: "3", names: ["jwt"] }]);
  publish({ jwt: "3" });
  assert.deepEqual(send(), [{ nonce: "4", names: ["jwt"] }]);
  assert.equal(answer("4", "no")?.refused[0]?.resource.version, "3");
  answer("3");
  assert.deepEqual(send(), [{ nonce: "5", names: ["jwt"] }]);
  answer("5");
  assert.equal(order.standing({ type: "extension-config", name: "jwt" }), "refused");
});
