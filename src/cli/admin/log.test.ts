import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogScopeReport } from "../../admin/contract/control-plane.ts";
import { parseLevelChanges, scopeTable } from "./log.ts";

test("parseLevelChanges() takes pairs, and a level for all", () => {
  assert.deepEqual(parseLevelChanges(""), []);
  assert.deepEqual(parseLevelChanges("ads:debug, ca:none"), [
    { scope: "ads", level: "debug" },
    { scope: "ca", level: "none" },
  ]);
  assert.deepEqual(parseLevelChanges("warn"), [{ scope: "all", level: "warn" }]);
});

for (const text of ["loud", "ads:loud", "ads:debug:more", ":debug", "ads:debug,"]) {
  test(`parseLevelChanges() says what it wants instead of "${text}"`, () => {
    assert.throws(() => parseLevelChanges(text), /--level takes SCOPE:LEVEL/);
  });
}

test("scopeTable() names the replica where there are several", () => {
  const scope: LogScopeReport = {
    ...{ name: "ads", description: "streams", output_level: "info" },
    ...{ stack_trace_level: "none", log_callers: false },
  };
  assert.equal(scopeTable([scope]), "SCOPE   LEVEL   DESCRIPTION\nads     info    streams\n");
  assert.match(scopeTable([{ ...scope, controlPlane: "meltemi-1" }]), /ads .* meltemi-1\n$/);
});
