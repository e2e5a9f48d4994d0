import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { applyKeyConfigMap, followKeyConfigMap } from "./key-config-map.ts";
import type { KeyRecords } from "./key-record.ts";

const CONFIG_MAPS = "/api/v1/configmaps";
const place = { namespace: "meltemi-system", name: "meltemi-issuer-keys" };
const first: KeyRecords = new Map([["jwks http://a", { jwks: "{}", fetchedAt: "2026-01-01T00:00:00.000Z" }]]);
const second: KeyRecords = new Map([...first, ["discovery http://b", { failure: "HTTP status 500" }]]);

async function start(t: TestContext) {
  const server = new TestApiServer();
  await server.start();
  server.define(CONFIG_MAPS);
  const client = createApiClient(server.endpoint(), { clock: systemClock, userAgent: "test" });
  const stop = new AbortController();
  t.after(async () => {
    stop.abort();
    client.close();
    await server.stop();
  });
  return { server, client, signal: stop.signal };
}

test("followKeyConfigMap() tells what was stored before it resolves, and each change", async (t) => {
  const { server, client, signal } = await start(t);
  await applyKeyConfigMap(client, place, first);
  const told: (KeyRecords | undefined)[] = [];
  let tell: () => void = () => undefined;
  await followKeyConfigMap(place, {
    client,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    signal,
    onRecords(records) {
      told.push(records);
      tell();
    },
  });
  assert.deepEqual(told, [first]);
  const next = () =>
    new Promise<void>((resolve) => {
      tell = resolve;
    });
  const changed = next();
  await applyKeyConfigMap(client, place, second);
  await changed;
  assert.deepEqual(told.at(-1), second);
  const gone = next();
  server.delete(CONFIG_MAPS, place);
  await gone;
  assert.equal(told.at(-1), undefined);
});

test("followKeyConfigMap() resolves where nothing is stored yet", async (t) => {
  const { client, signal } = await start(t);
  const told: (KeyRecords | undefined)[] = [];
  const surroundings = { client, clock: systemClock, random: Math.random, log: silentLogger, signal };
  await followKeyConfigMap(place, { ...surroundings, onRecords: (records) => told.push(records) });
  assert.deepEqual(told, []);
});
