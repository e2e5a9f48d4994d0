import assert from "node:assert/strict";
import { test } from "node:test";
import { formatsIn, loggedListener } from "../../../tests/support/logged-listener-fixture.ts";
import { textsOf, withWrittenLogs, writtenLogsIn } from "./written-logs.ts";

const bytesOf = (formats: readonly string[]) => Buffer.concat(loggedListener(formats).body);
const OWN_LOGS = ["tap", "statistics"].length;

test("writtenLogsIn() finds what users wrote of requests, connections and refused connections", () => {
  const logs = writtenLogsIn(bytesOf(["format-a", "format-b"]));
  assert.deepEqual([...logs.keys()].sort(), ["connections", "refused connections", "requests"]);
  for (const written of logs.values()) assert.equal(written.length, 2);
  assert.deepEqual(formatsIn(loggedListener(["format-a", "format-b"])), ["format-a", "format-b"]);
});

test("writtenLogsIn() finds none of what tells the agent of traffic", () => {
  const logs = writtenLogsIn(bytesOf([]));
  assert.deepEqual(textsOf(logs), []);
});

test("withWrittenLogs() gives the very bytes of a listener that was built so", () => {
  const [none, a, b] = [bytesOf([]), bytesOf(["format-a"]), bytesOf(["format-b"])];
  assert.ok(Buffer.from(withWrittenLogs(a, writtenLogsIn(a))).equals(a));
  assert.ok(Buffer.from(withWrittenLogs(a, writtenLogsIn(b))).equals(b));
  assert.ok(Buffer.from(withWrittenLogs(a, new Map())).equals(none));
  assert.ok(!a.equals(none));
});

test("withWrittenLogs() leaves what tells the agent of traffic", () => {
  const without = Buffer.from(withWrittenLogs(bytesOf(["format-a"]), new Map())).toString("latin1");
  const keys = without.match(/meltemi\.\w+/g) ?? [];
  assert.ok(new Set(keys).size >= OWN_LOGS, keys.join());
});
