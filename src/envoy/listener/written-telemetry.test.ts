import assert from "node:assert/strict";
import { test } from "node:test";
import { formatsIn, loggedListener } from "../../../tests/support/logged-listener-fixture.ts";
import { NO_TELEMETRY, textsOf, withWrittenTelemetry, writtenTelemetryIn } from "./written-telemetry.ts";

const bytesOf = (formats: readonly string[]) => Buffer.concat(loggedListener(formats).body);
const OWN_LOGS = ["tap", "statistics"].length;

test("writtenTelemetryIn() finds what users wrote of requests, connections and refused connections", () => {
  const { logs } = writtenTelemetryIn(bytesOf(["format-a", "format-b"]));
  assert.deepEqual([...logs.keys()].sort(), ["connections", "refused connections", "requests"]);
  for (const written of logs.values()) assert.equal(written.length, 2);
  assert.deepEqual(formatsIn(loggedListener(["format-a", "format-b"])), ["format-a", "format-b"]);
});

test("writtenTelemetryIn() finds none of what tells the agent of traffic", () => {
  const logs = writtenTelemetryIn(bytesOf([]));
  assert.deepEqual(textsOf(logs), []);
});

test("withWrittenTelemetry() gives the very bytes of a listener that was built so", () => {
  const [none, a, b] = [bytesOf([]), bytesOf(["format-a"]), bytesOf(["format-b"])];
  assert.ok(Buffer.from(withWrittenTelemetry(a, writtenTelemetryIn(a))).equals(a));
  assert.ok(Buffer.from(withWrittenTelemetry(a, writtenTelemetryIn(b))).equals(b));
  assert.ok(Buffer.from(withWrittenTelemetry(a, NO_TELEMETRY)).equals(none));
  assert.ok(!a.equals(none));
});

test("withWrittenTelemetry() leaves what tells the agent of traffic", () => {
  const without = Buffer.from(withWrittenTelemetry(bytesOf(["format-a"]), NO_TELEMETRY)).toString("latin1");
  const keys = without.match(/meltemi\.\w+/g) ?? [];
  assert.ok(new Set(keys).size >= OWN_LOGS, keys.join());
});

test("withWrittenTelemetry() gives the very bytes of a listener that was traced so, or not", () => {
  const traced = (format?: string) =>
    Buffer.concat(loggedListener([], format === undefined ? {} : { format }).body);
  const [none, a, b] = [traced(), traced("format-a"), traced("format-b")];
  assert.equal(textsOf(writtenTelemetryIn(a)).length, 1);
  assert.deepEqual(formatsIn(loggedListener([], { format: "format-a-" })), ["format-a"]);
  assert.ok(Buffer.from(withWrittenTelemetry(a, writtenTelemetryIn(b))).equals(b));
  assert.ok(Buffer.from(withWrittenTelemetry(a, NO_TELEMETRY)).equals(none));
  assert.ok(!a.equals(none));
});
