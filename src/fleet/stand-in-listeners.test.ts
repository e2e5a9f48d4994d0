import assert from "node:assert/strict";
import { test } from "node:test";
import { formatsIn, loggedListener, TELEMETRY } from "../../tests/support/logged-listener-fixture.ts";
import { StandInListeners } from "./stand-in-listeners.ts";

const NEW_PORT = { port: 9090 };
const bad = loggedListener(["format-bad"], NEW_PORT);

for (const [what, inUse, formats] of [
  ["nothing", "nothing", []],
  ["who knows what", "unknown", []],
  ["a listener without logs", loggedListener([]), []],
  ["a listener with other logs", loggedListener(["format-good"]), ["format-good"]],
] as const) {
  test(`StandInListeners.find() keeps the logs of a proxy that has ${what}, and gives it all else`, () => {
    const found = new StandInListeners().find(bad, inUse);
    assert.ok(found !== undefined);
    assert.deepEqual(formatsIn(found.resource), formats);
    assert.equal(found.resource.version, loggedListener(formats, NEW_PORT).version);
    assert.deepEqual(found.resource.needs, bad.needs);
    assert.deepEqual(found.blamed, [TELEMETRY]);
  });
}

for (const [what, refused, inUse] of [
  ["nothing is logged", loggedListener([]), "nothing"],
  ["the proxy takes the same logs", bad, loggedListener(["format-bad"])],
  ["the proxy takes these and others", bad, loggedListener(["format-bad", "format-good"])],
] as const) {
  test(`StandInListeners.find() finds none where ${what}`, () => {
    assert.equal(new StandInListeners().find(refused, inUse), undefined);
  });
}

test("StandInListeners.find() builds once for all proxies that have the same", () => {
  const listeners = new StandInListeners();
  const former = loggedListener(["format-good"]);
  assert.equal(listeners.find(bad, "nothing"), listeners.find(bad, "unknown"));
  assert.equal(listeners.find(bad, former), listeners.find(bad, former));
  assert.notEqual(listeners.find(bad, former), listeners.find(bad, "nothing"));
});
