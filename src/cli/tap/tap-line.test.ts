import assert from "node:assert/strict";
import { test } from "node:test";
import type { TapEvent } from "../../core/tap-event.ts";
import { tapLine, tapLossLine } from "./tap-line.ts";

const event: TapEvent = {
  ...{ kind: "http", direction: "in", at: "2026-12-01T00:00:00.000Z", durationMs: 3, isMutualTls: true },
  caller: { workload: "client", namespace: "shop" },
  called: { workload: "web", namespace: "shop" },
  ...{ method: "GET", authority: "web", path: "/items", status: 200 },
  ...{ receivedBytes: 0, sentBytes: 1_500, flags: [] },
};

test("a request is one line: who called whom, what, its answer, time and bytes", () => {
  assert.match(
    tapLine(event),
    /^\d\d:\d\d:\d\d\.000 {2}in {3}shop\/client -> shop\/web {2}GET web\/items {2}200 {2}3 ms {2}0 B\/1\.5 kB {2}mTLS$/,
  );
});

test("what a pod's agent says moves no cursor and begins no line", () => {
  const hostile = "\u001b]0;owned\u0007\n\u009b2J\u202e";
  const lines = [
    tapLine({ ...event, path: hostile }),
    tapLine({ ...event, headers: { [hostile]: hostile } }),
    tapLine({ ...event, caller: { workload: hostile } }),
    tapLine({ ...event, flags: ["UF"], failure: hostile }),
    tapLossLine({ dropped: hostile as unknown as number }, "web-1"),
  ];
  for (const line of lines) {
    assert.match(line, /\?/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey is what this is about.
    assert.doesNotMatch(line, /[\u0000-\u001f\u0080-\u009f\u202e]/);
  }
});
