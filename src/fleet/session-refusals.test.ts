import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatsIn,
  loggedListener,
  SERVICE,
  TELEMETRY,
} from "../../tests/support/logged-listener-fixture.ts";
import type { Held } from "../xds/backend.ts";
import type { BuiltResource } from "./built-resource.ts";
import type { ProxySet } from "./proxy-set.ts";
import { SessionRefusals } from "./session-refusals.ts";
import { StandInListeners } from "./stand-in-listeners.ts";
import { StandInTables } from "./stand-in-tables.ts";

const bad = loggedListener(["format-bad"]);
const REFERENCE = { type: "listener", name: bad.name } as const;

function setOf(listener: BuiltResource): ProxySet {
  const get = (type: string, name: string) =>
    type === "listener" && name === listener.name ? listener : undefined;
  return { get, names: () => [listener.name] } as unknown as ProxySet;
}

function refusing(listener: BuiltResource, inUse: Held = "nothing") {
  const refusals = new SessionRefusals({ tables: new StandInTables(), listeners: new StandInListeners() });
  const set = setOf(listener);
  const refused = [{ resource: listener, inUse }];
  const changed = refusals.rejected("listener", { resources: [listener], refused, detail: "no" }, set);
  const offered = () => refusals.setFor(set).get("listener", listener.name) ?? assert.fail();
  return { refusals, set, changed, offered };
}

test("SessionRefusals gives a listener without the logs that a proxy refuses, and blames these when it takes that", () => {
  const { refusals, set, changed, offered } = refusing(bad);
  assert.deepEqual(changed, [REFERENCE]);
  assert.deepEqual(formatsIn(offered()), []);
  assert.deepEqual(refusals.list(set)[0]?.provenance, []);
  refusals.acknowledged("listener", [offered()]);
  assert.deepEqual(refusals.list(set)[0]?.provenance, [TELEMETRY]);
  assert.equal(refusals.standingOf(TELEMETRY.object, REFERENCE, set), "refused");
  assert.equal(refusals.standingOf(SERVICE.object, REFERENCE, set), "in-use");
});

test("SessionRefusals offers a listener as it is once its newest version is another, or its logs are written again", () => {
  const { refusals, offered } = refusing(bad);
  const mended = loggedListener(["format-good"]);
  assert.equal(refusals.setFor(setOf(mended)).get("listener", mended.name), mended);
  const again = refusing(bad);
  again.refusals.acknowledged("listener", [again.offered()]);
  assert.deepEqual(again.refusals.offerAgain(new Set([SERVICE.object])), []);
  assert.deepEqual(again.refusals.offerAgain(new Set([TELEMETRY.object])), [REFERENCE]);
  assert.equal(again.offered(), bad);
  refusals.acknowledged("listener", [mended]);
  assert.deepEqual(refusals.list(setOf(bad)), []);
  assert.equal(offered(), bad);
});

test("SessionRefusals leaves a proxy the listener that it has where the logs aren't to blame", () => {
  const other = loggedListener(["format-bad"], { port: 9090 });
  const { changed, offered } = refusing(bad, other);
  assert.deepEqual([changed, offered()], [[], bad]);
});
