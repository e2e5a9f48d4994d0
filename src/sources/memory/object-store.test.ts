import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectKey } from "../../core/object-key.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { StoreBatch } from "./object-store.ts";
import { ObjectStore } from "./object-store.ts";

function service(name: string, fields: object = {}): KubernetesObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "shop" }, ...fields };
}

function keyOf(name: string) {
  return `Service/shop/${name}` as ObjectKey;
}

test("apply() gives one version to a batch, and none to what is equal already", () => {
  const store = new ObjectStore();
  const first = store.apply({ upserts: [{ object: service("a") }, { object: service("b") }] });
  assert.equal(first?.version, 1);
  assert.equal(first?.upserts.length, 2);
  assert.equal(store.apply({ upserts: [{ object: service("a") }], deletes: [keyOf("c")] }), undefined);
  const second = store.apply({ upserts: [{ object: service("a", { spec: {} }) }], deletes: [keyOf("b")] });
  assert.deepEqual(
    [second?.version, second?.upserts.map(({ key }) => key), second?.deletes],
    [2, [keyOf("a")], [keyOf("b")]],
  );
  assert.deepEqual(
    store.list().entries.map(({ key, version }) => [key, version]),
    [[keyOf("a"), 2]],
  );
});

test("apply() keeps positions, and the status where it is asked to", () => {
  const store = new ObjectStore();
  const positions = { file: "a.yaml", root: [1, 1] as const };
  store.apply({ upserts: [{ object: service("a"), positions }] });
  store.apply({ upserts: [{ object: service("a", { status: { ready: true } }) }] });
  assert.equal(store.get(keyOf("a"))?.positions, positions);
  store.apply({ upserts: [{ object: service("a", { spec: {} }) }], keepsStatus: true });
  assert.deepEqual(store.get(keyOf("a"))?.object.status, { ready: true });
  assert.deepEqual(store.get(keyOf("a"))?.object.spec, {});
});

test("apply() tells of what moved in its file by its place alone", () => {
  const store = new ObjectStore();
  const seen: StoreBatch[] = [];
  store.watch(0, (batch) => seen.push(batch));
  store.apply({ upserts: [{ object: service("a"), positions: { file: "a.yaml", root: [1, 1] } }] });
  store.apply({ upserts: [{ object: service("b") }] });
  store.list({ kind: "Service" });
  const moves = ["a", "b", "c"].map((name) => ({ key: keyOf(name), file: "a.yaml", firstLine: 5 }));
  store.apply({ moves });
  assert.equal(store.apply({ moves }), undefined, "they are there already");
  assert.deepEqual(seen.at(-1), { version: 3, upserts: [], moves: moves.slice(0, 1), deletes: [] });
  assert.deepEqual(store.get(keyOf("a"))?.positions, { file: "a.yaml", firstLine: 5, root: [1, 1] });
  assert.equal(store.list({ kind: "Service" }).entries[0], store.get(keyOf("a")));
});

test("list() can be narrowed to a kind and a namespace", () => {
  const store = new ObjectStore();
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  store.apply({ upserts: [{ object: service("b") }, { object: service("a") }, { object: namespace }] });
  assert.deepEqual(
    store.list({ kind: "Service" }).entries.map(({ key }) => key),
    [keyOf("a"), keyOf("b")],
  );
  assert.deepEqual(
    store.list({ namespace: "" }).entries.map(({ key }) => key),
    ["Namespace//shop"],
  );
});

test("list() follows every change of a kind that it has listed", () => {
  const store = new ObjectStore();
  const keys = () => store.list({ kind: "Service" }).entries.map(({ key }) => key);
  assert.deepEqual(keys(), []);
  store.apply({ upserts: [{ object: service("b") }] });
  assert.deepEqual(keys(), [keyOf("b")]);
  store.apply({ upserts: [{ object: service("a") }], deletes: [keyOf("b")] });
  assert.deepEqual(keys(), [keyOf("a")]);
  store.apply({ upserts: [{ object: service("a", { spec: { type: "NodePort" } }) }] });
  assert.equal(store.list({ kind: "Service" }).entries[0], store.get(keyOf("a")));
});

test("watch() begins after a version without a gap, and says so when the history is too short", () => {
  const store = new ObjectStore({ historyLimit: 2 });
  for (let port = 1; port <= 4; port++)
    store.apply({ upserts: [{ object: service("a", { spec: { port } }) }] });
  const seen: StoreBatch[] = [];
  const watching = store.watch(2, (batch) => seen.push(batch));
  store.apply({ deletes: [keyOf("a")] });
  assert.deepEqual(
    seen.map(({ version }) => version),
    [3, 4, 5],
  );
  assert.equal(store.watch(1, () => undefined).state, "expired");
  assert.equal(store.watch(9, () => undefined).state, "expired");
  if (watching.state === "watching") watching.stop();
  store.apply({ upserts: [{ object: service("a") }] });
  assert.equal(seen.length, 3);
});
