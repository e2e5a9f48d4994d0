import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { FetchedKeys } from "./fetch-keys.ts";
import { startKeyKeeper } from "./key-keeper.ts";
import type { KeyRecord, KeyRecords } from "./key-record.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const IDP = "jwks http://idp";
const START = Date.parse("2026-01-01T00:00:00Z");

describe("startKeyKeeper()", () => {
  test("fetches what is wanted, and again every 20 minutes", async (t) => {
    const keeper = keep(t, { wanted: [IDP] });
    await settled();
    assert.deepEqual(keeper.stored(), { [IDP]: { jwks: "keys 1", fetchedAt: at(0) } });
    await keeper.pass(20 * MINUTE - 1);
    assert.equal(keeper.fetches(), 1);
    await keeper.pass(1);
    assert.deepEqual(keeper.stored(), { [IDP]: { jwks: "keys 2", fetchedAt: at(20 * MINUTE) } });
  });

  test("keeps the last good keys for 7 days while the endpoint is away, and takes new ones at once", async (t) => {
    const keeper = keep(t, { wanted: [IDP] });
    await settled();
    keeper.away("HTTP status 500");
    await keeper.pass(20 * MINUTE);
    const old = { jwks: "keys 1", fetchedAt: at(0), failure: "HTTP status 500" };
    assert.deepEqual(keeper.stored(), { [IDP]: old });
    for (let day = 0; day < 6; day += 1) await keeper.pass(DAY, 10 * MINUTE);
    assert.deepEqual(keeper.stored(), { [IDP]: old });
    await keeper.pass(DAY, 10 * MINUTE);
    assert.deepEqual(keeper.stored(), { [IDP]: { failure: "HTTP status 500" } });
    keeper.back();
    await keeper.pass(MINUTE);
    assert.match(keeper.stored()[IDP]?.jwks ?? "", /^keys/);
    assert.equal(keeper.stored()[IDP]?.failure, undefined);
  });

  test("tries again after a second, then more rarely, and stores a lasting failure once", async (t) => {
    const keeper = keep(t, { wanted: [IDP], failure: "ECONNREFUSED" });
    await settled();
    assert.deepEqual(keeper.stored(), { [IDP]: { failure: "ECONNREFUSED" } });
    const timesMs: number[] = [];
    for (let ms = 0; ms < 3 * MINUTE; ms += 500) {
      const before = keeper.fetches();
      await keeper.pass(500);
      if (keeper.fetches() > before) timesMs.push(ms + 500);
    }
    assert.deepEqual(timesMs.slice(0, 4), [1000, 3000, 7000, 15000]);
    assert.ok(timesMs.length > 6);
    assert.equal(keeper.stores(), 1);
  });

  test("leaves what a predecessor fetched for the rest of its time", async (t) => {
    const stored = new Map([[IDP, { jwks: "before", fetchedAt: at(-5 * MINUTE) }]]);
    const keeper = keep(t, { wanted: [IDP], stored });
    await keeper.pass(14 * MINUTE);
    assert.equal(keeper.fetches(), 0);
    await keeper.pass(MINUTE);
    assert.equal(keeper.fetches(), 1);
  });

  test("fetches at once what a predecessor failed to, or fetched too long ago", async (t) => {
    for (const record of [
      { failure: "x" },
      { jwks: "before", fetchedAt: at(-5 * MINUTE), failure: "x" },
      { jwks: "before", fetchedAt: at(-30 * MINUTE) },
      { jwks: "before", fetchedAt: at(30 * MINUTE) },
      { jwks: "before", fetchedAt: "?" },
    ]) {
      const keeper = keep(t, { wanted: [IDP], stored: new Map([[IDP, record]]) });
      await settled();
      assert.equal(keeper.fetches(), 1, JSON.stringify(record));
    }
  });

  test("forgets what nobody wants any more, but not while a policy is replaced", async (t) => {
    const keeper = keep(t, { wanted: [IDP] });
    await settled();
    keeper.want([]);
    await keeper.pass(9 * MINUTE);
    keeper.want([IDP]);
    await keeper.pass(2 * MINUTE);
    assert.deepEqual(keeper.stored(), { [IDP]: { jwks: "keys 1", fetchedAt: at(0) } });
    keeper.want([]);
    await keeper.pass(10 * MINUTE);
    assert.deepEqual(keeper.stored(), {});
    const before = keeper.fetches();
    await keeper.pass(DAY);
    assert.equal(keeper.fetches(), before);
  });

  test("forgets what was stored before and nobody wants", async (t) => {
    const stored = new Map([["jwks http://gone", { jwks: "old", fetchedAt: at(0) }]]);
    const keeper = keep(t, { wanted: [], stored });
    await keeper.pass(10 * MINUTE);
    assert.deepEqual(keeper.stored(), {});
  });

  test("stores again where storing failed, or what is stored was changed", async (t) => {
    const keeper = keep(t, { wanted: [IDP] });
    keeper.failStore();
    await settled();
    assert.deepEqual(keeper.stored(), {});
    await keeper.pass(1000);
    const wanted = { [IDP]: { jwks: "keys 1", fetchedAt: at(0) } };
    assert.deepEqual(keeper.stored(), wanted);
    keeper.change({});
    await settled();
    assert.deepEqual(keeper.stored(), wanted);
  });

  test("fetches eight at once at most, and all in the end", async (t) => {
    const wanted = Array.from({ length: 50 }, (_, index) => `jwks http://idp/${index}`);
    const keeper = keep(t, { wanted });
    await settled();
    assert.equal(Object.keys(keeper.stored()).length, 50);
    assert.equal(keeper.mostAtOnce(), 8);
  });

  test("refuses what a ConfigMap can't hold, and keeps what it can", async (t) => {
    const wanted = Array.from({ length: 20 }, (_, index) => `jwks http://idp/${index}`);
    const keeper = keep(t, { wanted, jwks: "x".repeat(60_000) });
    await settled();
    const records = Object.values(keeper.stored());
    assert.equal(records.filter(({ jwks }) => jwks !== undefined).length, 15);
    const refused = records.filter(({ failure }) => failure !== undefined);
    assert.equal(refused.length, 5);
    assert.match(refused[0]?.failure ?? "", /^the keys of all issuers take more than 900 KiB/);
  });

  test("has keys of the namespace that has most give way to another's, and not come back", async (t) => {
    const greedy = Array.from({ length: 20 }, (_, index) => `jwks http://greedy/${index}`);
    const namespacesOf = (location: string) =>
      location === IDP ? ["shop"] : location.endsWith("/0") ? ["greedy", "shop"] : ["greedy"];
    const keeper = keep(t, { wanted: greedy, jwks: "x".repeat(60_000), namespacesOf });
    await settled();
    keeper.want([...greedy, IDP]);
    await settled();
    await keeper.pass(5 * MINUTE, 10_000);
    const stored = keeper.stored();
    assert.equal(stored[IDP]?.failure, undefined);
    assert.ok(stored[IDP]?.jwks);
    assert.ok(stored["jwks http://greedy/0"]?.jwks, "another wants it too");
    const withKeys = Object.values(stored).filter((record) => record.jwks !== undefined);
    assert.equal(withKeys.length, 15);
    assert.equal(Object.keys(stored).length, 21, "of the others the failure is told");
  });

  test("stores no more failures than there is room for", async (t) => {
    const wanted = Array.from({ length: 1_000 }, (_, index) => `jwks http://idp/${index}`);
    const keeper = keep(t, { wanted, failure: "x".repeat(1_000) });
    await settled();
    const text = JSON.stringify(keeper.stored());
    assert.ok(text.length > 700 * 1024 && text.length < 1024 * 1024, `${text.length}`);
  });

  test("heeds another timeout at once where the last try failed, and else with the next one", async (t) => {
    const keeper = keep(t, { wanted: [IDP] });
    await settled();
    keeper.allow(7_000);
    await settled();
    assert.deepEqual(keeper.timeouts(), [5_000]);
    keeper.away("no answer in time");
    await keeper.pass(20 * MINUTE);
    assert.deepEqual(keeper.timeouts(), [5_000, 7_000]);
    keeper.back();
    keeper.allow(9_000);
    await settled();
    assert.deepEqual(keeper.timeouts(), [5_000, 7_000, 9_000]);
    assert.equal(keeper.stored()[IDP]?.failure, undefined);
  });

  test("ends when it is closed", async (t) => {
    const keeper = keep(t, { wanted: [IDP] });
    await settled();
    keeper.close();
    await keeper.pass(DAY);
    assert.equal(keeper.fetches(), 1);
  });
});

interface Kept {
  readonly wanted: readonly string[];
  readonly stored?: KeyRecords;
  readonly failure?: string;
  readonly jwks?: string;
  readonly namespacesOf?: (location: string) => readonly string[];
}

/** A keeper over a pretended endpoint and store. */
function keep(t: TestContext, { wanted: first, stored = new Map(), failure: failing, jwks, ...more }: Kept) {
  const { namespacesOf = () => ["shop"] } = more;
  const timeouts: number[] = [];
  let timeoutMs = 5_000;
  const clock = new ManualClock(START);
  let [wanted, failure, store] = [first, failing, new Map<string, KeyRecord>(stored)];
  let [fetchCount, storeCount, running, most, failures] = [0, 0, 0, 0, 0];
  let tell: () => void = () => undefined;
  const keeper = startKeyKeeper({
    clock,
    random: () => 1,
    log: silentLogger,
    wanted: () =>
      wanted.map((location) => [location, { timeoutMs, namespaces: namespacesOf(location) }] as const),
    watchWanted(listener) {
      tell = listener;
      return () => undefined;
    },
    stored,
    async fetch(_location, options): Promise<FetchedKeys> {
      timeouts.push(options.timeoutMs);
      fetchCount += 1;
      running += 1;
      most = Math.max(most, running);
      const keys = jwks ?? `keys ${fetchCount}`;
      await Promise.resolve();
      running -= 1;
      return failure === undefined ? { kind: "keys", jwks: keys } : { kind: "failed", reason: failure };
    },
    async store(records) {
      storeCount += 1;
      if (failures > 0) {
        failures -= 1;
        throw new Error("no");
      }
      store = new Map(records);
    },
  });
  t.after(() => keeper.close());
  return {
    close: () => keeper.close(),
    stored: () => Object.fromEntries(store),
    fetches: () => fetchCount,
    timeouts: () => timeouts,
    allow(ms: number) {
      timeoutMs = ms;
      tell();
    },
    stores: () => storeCount,
    mostAtOnce: () => most,
    away: (reason: string) => (failure = reason),
    back: () => (failure = undefined),
    failStore: () => (failures = 1),
    change(records: Readonly<Record<string, KeyRecord>>) {
      store = new Map(Object.entries(records));
      keeper.seeStored(store);
    },
    want(locations: readonly string[]) {
      wanted = locations;
      tell();
    },
    /** In steps, since what a timer begins goes on after it. */
    async pass(ms: number, stepMs = ms) {
      for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
        clock.advance(stepMs);
        await settled();
      }
    },
  };
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function at(ms: number): string {
  return new Date(START + ms).toISOString();
}
