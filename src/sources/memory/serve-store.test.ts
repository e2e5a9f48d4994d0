import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import type { MovedObject } from "../../core/positions.ts";
import type { StoredObject } from "./object-store.ts";
import { ObjectStore } from "./object-store.ts";
import { serveStore } from "./serve-store.ts";
import { watchRemoteStore } from "./watch-remote-store.ts";

describe("serveStore()", () => {
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), `meltemi-store-${process.pid}-`));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const DEADLINE_MS = 10_000;
  let count = 0;

  function socketName() {
    return join(directory, `${count++}.sock`);
  }

  function configMap(name: string, text = "") {
    return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" }, data: { text } };
  }

  function follow(socketPath: string) {
    const known = new Map<ObjectKey, StoredObject>();
    const seen = { syncCount: 0, upserts: [] as ObjectKey[], moves: [] as MovedObject[] };
    const ending = new AbortController();
    const done = watchRemoteStore({
      socketPath,
      clock: systemClock,
      log: silentLogger,
      signal: ending.signal,
      random: () => 0.5,
      onSync(entries) {
        seen.syncCount++;
        for (const entry of entries) known.set(entry.key, entry);
      },
      onEvents({ upserts, moves, deletes }) {
        for (const entry of upserts) known.set(entry.key, entry);
        for (const key of deletes) known.delete(key);
        seen.upserts.push(...upserts.map(({ key }) => key));
        seen.moves.push(...moves);
      },
    });
    const close = () => {
      ending.abort();
      return done;
    };
    return { known, seen, close };
  }

  async function until(isMet: () => boolean, what: string) {
    const deadline = Date.now() + DEADLINE_MS;
    while (!isMet()) {
      assert.ok(Date.now() < deadline, what);
      await new Promise((done) => setTimeout(done, 5));
    }
  }

  test("watchRemoteStore() gets the list and then every change", async () => {
    const store = new ObjectStore();
    const socketPath = socketName();
    store.apply({ upserts: [{ object: configMap("a"), positions: { file: "a.yaml", root: [1, 1] } }] });
    const server = await serveStore(store, { socketPath, log: silentLogger });
    const { known, seen, close } = follow(socketPath);
    await until(() => seen.syncCount === 1, "the list");
    assert.deepEqual([...known.values()], store.list().entries);
    store.apply({ upserts: [{ object: configMap("b") }], deletes: ["ConfigMap/shop/a" as ObjectKey] });
    await until(() => known.size === 1 && known.has("ConfigMap/shop/b" as ObjectKey), "the change");
    await close();
    await server.close();
  });

  test("watchRemoteStore() waits for the server, and after a restart passes on only what differs", async () => {
    const socketPath = socketName();
    const { known, seen, close } = follow(socketPath);
    const store = new ObjectStore();
    store.apply({ upserts: ["a", "b", "c"].map((name) => ({ object: configMap(name) })) });
    const server = await serveStore(store, { socketPath, log: silentLogger });
    await until(() => known.size === 3, "the first list");
    await server.close();
    const restarted = new ObjectStore();
    restarted.apply({
      upserts: [{ object: configMap("a") }, { object: configMap("b", "new") }, { object: configMap("d") }],
    });
    const second = await serveStore(restarted, { socketPath, log: silentLogger });
    await until(() => known.has("ConfigMap/shop/d" as ObjectKey), "the second list");
    assert.equal(seen.syncCount, 1);
    assert.deepEqual(seen.upserts, ["ConfigMap/shop/b", "ConfigMap/shop/d"]);
    assert.ok(!known.has("ConfigMap/shop/c" as ObjectKey));
    await close();
    await second.close();
  });

  test("watchRemoteStore() tells of what moved by its place, also where it moved while the server was away", async () => {
    const socketPath = socketName();
    const { seen, known, close } = follow(socketPath);
    const storeAt = (firstLine: number) => {
      const store = new ObjectStore();
      const positions = { file: "a.yaml", firstLine, root: [1, 1] as const };
      store.apply({ upserts: ["a", "b"].map((name) => ({ object: configMap(name), positions })) });
      return store;
    };
    const moveTo = (name: string, firstLine: number) => ({
      key: `ConfigMap/shop/${name}` as ObjectKey,
      file: "a.yaml",
      firstLine,
    });
    const store = storeAt(1);
    const server = await serveStore(store, { socketPath, log: silentLogger });
    await until(() => known.size === 2, "the first list");
    store.apply({ moves: [moveTo("a", 2)] });
    await until(() => seen.moves.length === 1, "a move");
    await server.close();
    const second = await serveStore(storeAt(2), { socketPath, log: silentLogger });
    await until(() => seen.moves.length > 1, "the second list");
    assert.deepEqual(seen.moves, [moveTo("a", 2), moveTo("b", 2)]);
    assert.deepEqual(seen.upserts, []);
    await close();
    await second.close();
  });

  test("serveStore() holds no queue for a slow watcher, which still ends up with the newest state", async () => {
    const store = new ObjectStore({ historyLimit: 5 });
    const socketPath = socketName();
    store.apply({ upserts: [{ object: configMap("a") }] });
    const server = await serveStore(store, { socketPath, log: silentLogger });
    const response = await new Promise<IncomingMessage>((answered) => {
      get({ socketPath, path: "/watch", agent: false }, answered);
    });
    for (let round = 1; round <= 200; round++) {
      store.apply({ upserts: [{ object: configMap("a", `${round} ${"x".repeat(100_000)}`) }] });
      if (round % 20 === 0) await new Promise(setImmediate);
    }
    const text = await readUntil(response, '"200 xxx');
    const receivedCount = text.split("\n").length;
    assert.ok(receivedCount < 150, `${receivedCount} messages of 200 were sent`);
    response.destroy();
    await server.close();
  });

  async function readUntil(response: IncomingMessage, wanted: string) {
    let text = "";
    for await (const chunk of response as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (text.includes(wanted)) break;
    }
    return text;
  }

  test("serveStore() answers nothing but the watch", async () => {
    const socketPath = socketName();
    const server = await serveStore(new ObjectStore(), { socketPath, log: silentLogger });
    const response = await new Promise<IncomingMessage>((answered) => {
      get({ socketPath, path: "/", agent: false }, answered);
    });
    assert.equal(response.statusCode, 404);
    response.destroy();
    await server.close();
  });
});
