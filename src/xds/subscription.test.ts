import assert from "node:assert/strict";
import { test } from "node:test";
import { InternedNames } from "./name-set.ts";
import type { Resource, ResourceSet } from "./resource.ts";
import { createResourceSet, emptyResourceSet } from "./resource.ts";
import type { DeltaSubscriptionRequest, Subscription } from "./subscription.ts";
import {
  applyDelta,
  applyPublish,
  applyStateOfTheWorld,
  createSubscription,
  wantedResource,
} from "./subscription.ts";

function resource(name: string, version = "1"): Resource {
  return { name, version, body: [], needs: [] };
}

function setOf(...resources: readonly Resource[]): ResourceSet {
  return createResourceSet(resources.map((item) => ["cluster", item] as const));
}

function subscription(): Subscription {
  return createSubscription("cluster", new InternedNames());
}

function delta(parts: Partial<DeltaSubscriptionRequest> = {}): DeltaSubscriptionRequest {
  return { subscribe: [], unsubscribe: [], initialVersions: new Map(), isFirst: false, ...parts };
}

const pendingNames = ({ pending }: Subscription) => [...pending.keys()].sort();

/** As if everything pending had been sent. */
function settle(subject: Subscription): void {
  subject.pending.clear();
  subject.owesAnswer = false;
}

const set = setOf(resource("a"), resource("b"));

test("applyDelta() takes an empty first request for all", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true }));
  assert.deepEqual([subject.isWildcard, pendingNames(subject)], [true, ["a", "b"]]);
});

test("applyDelta() doesn't take a later empty request for all", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true, subscribe: ["a"] }));
  applyDelta(subject, set, delta({ unsubscribe: ["a"] }));
  applyDelta(subject, set, delta());
  assert.deepEqual([subject.isWildcard, pendingNames(subject)], [false, []]);
});

test("applyDelta() keeps all when a name is asked for besides", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true }));
  settle(subject);
  applyDelta(subject, set, delta({ subscribe: ["a"] }));
  assert.deepEqual([subject.isWildcard, pendingNames(subject)], [true, ["a"]]);
});

test("applyDelta() takes * and its end explicitly", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true, subscribe: ["*", "a"] }));
  assert.deepEqual([subject.isWildcard, pendingNames(subject)], [true, ["a", "b"]]);
  applyDelta(subject, set, delta({ unsubscribe: ["*"] }));
  assert.deepEqual([subject.isWildcard, pendingNames(subject)], [false, ["a"]]);
  assert.equal(wantedResource(subject, set, "b"), undefined);
});

test("applyDelta() sends again what is asked for again", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true, subscribe: ["a"] }));
  settle(subject);
  applyDelta(subject, set, delta({ subscribe: ["a"] }));
  assert.deepEqual(pendingNames(subject), ["a"]);
});

test("applyDelta() ignores a phantom unsubscription", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true }));
  settle(subject);
  applyDelta(subject, set, delta({ unsubscribe: ["a"] }));
  assert.deepEqual(pendingNames(subject), []);
});

test("applyDelta() answers the end of a name beside all, since the client can't know whether to keep it", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true, subscribe: ["*", "a"] }));
  settle(subject);
  applyDelta(subject, set, delta({ unsubscribe: ["a"] }));
  assert.deepEqual([...subject.pending], [["a", "unknown"]]);
});

test("applyDelta() sends a client that reconnects nothing that it has, and answers what is gone", () => {
  const subject = subscription();
  const initialVersions = new Map([
    ["a", "1"],
    ["b", "0"],
    ["gone", "1"],
  ]);
  applyDelta(
    subject,
    setOf(resource("a"), resource("b"), resource("c")),
    delta({ isFirst: true, initialVersions }),
  );
  assert.deepEqual([...subject.pending].sort(), [
    ["b", "unknown"],
    ["c", "nothing"],
    ["gone", "unknown"],
  ]);
});

test("applyDelta() owes an answer to a first wildcard request only while the client has nothing", () => {
  const fresh = subscription();
  applyDelta(fresh, emptyResourceSet, delta({ isFirst: true }));
  assert.equal(fresh.owesAnswer, true);
  const returning = subscription();
  applyDelta(
    returning,
    setOf(resource("a")),
    delta({ isFirst: true, initialVersions: new Map([["a", "1"]]) }),
  );
  assert.deepEqual([returning.owesAnswer, pendingNames(returning)], [false, []]);
});

test("applyDelta() ignores versions of names that the client doesn't ask for", () => {
  const subject = subscription();
  applyDelta(
    subject,
    set,
    delta({ isFirst: true, subscribe: ["a"], initialVersions: new Map([["b", "0"]]) }),
  );
  assert.deepEqual(pendingNames(subject), ["a"]);
});

test("applyStateOfTheWorld() follows the specification's example of wildcards", () => {
  const subject = subscription();
  const steps: readonly (readonly [readonly string[], boolean, readonly string[]])[] = [
    [[], true, []],
    [["*", "a"], true, ["a"]],
    [["a"], false, ["a"]],
    [[], false, []],
  ];
  for (const [names, isWildcard, held] of steps) {
    applyStateOfTheWorld(subject, set, names);
    assert.deepEqual([subject.isWildcard, [...subject.names]], [isWildcard, held]);
  }
});

test("applyStateOfTheWorld() answers only names that are new", () => {
  const subject = subscription();
  applyStateOfTheWorld(subject, set, ["a"]);
  settle(subject);
  applyStateOfTheWorld(subject, set, ["a", "b"]);
  assert.deepEqual(pendingNames(subject), ["b"]);
  settle(subject);
  applyStateOfTheWorld(subject, set, ["b"]);
  applyStateOfTheWorld(subject, set, ["a", "b"]);
  assert.deepEqual(pendingNames(subject), ["a"]);
});

test("applyPublish() notes what changed with what the client had, and forgets it when it changes back", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true }));
  settle(subject);
  const changed = setOf(resource("a", "2"), resource("c"));
  applyPublish(subject, set, changed, "all");
  assert.deepEqual([...subject.pending].sort(), [
    ["a", set.get("cluster", "a")],
    ["b", set.get("cluster", "b")],
    ["c", "nothing"],
  ]);
  applyPublish(subject, changed, set, ["a", "b", "c"]);
  assert.deepEqual(pendingNames(subject), []);
});

test("applyPublish() looks at the names it is given alone, and only at those the client wants", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true, subscribe: ["a"] }));
  settle(subject);
  applyPublish(subject, set, setOf(resource("a", "2"), resource("b", "2")), ["b"]);
  assert.deepEqual(pendingNames(subject), []);
});

test("applyPublish() keeps a name pending that was asked for and not answered yet", () => {
  const subject = subscription();
  applyDelta(subject, set, delta({ isFirst: true, subscribe: ["missing"] }));
  applyPublish(subject, set, setOf(), "all");
  assert.deepEqual([...subject.pending], [["missing", "nothing"]]);
});
