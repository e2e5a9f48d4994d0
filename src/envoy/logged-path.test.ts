import assert from "node:assert/strict";
import { test } from "node:test";
import { LOGGED_PATH, showingLoggedPath } from "./logged-path.ts";

const shown = (command: string, param?: string) => {
  const own = param === undefined ? { command } : { command, param };
  return `%COALESCE(${JSON.stringify({ operators: [{ command: "FILTER_STATE", param: `${LOGGED_PATH}:PLAIN` }, own] })})`;
};

test("showingLoggedPath() puts the path that a filter shows before each path with a query", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["%REQ(:PATH)%", `${shown("REQ", ":PATH")}%`],
    [
      '"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH):80%"',
      `"%REQ(:METHOD)% ${shown("REQ", "X-ENVOY-ORIGINAL-PATH?:PATH")}:80%"`,
    ],
    ["%REQ(x-envoy-original-path)%", `${shown("REQ", "x-envoy-original-path")}%`],
    ["%PATH%", `${shown("PATH")}%`],
    ["%PATH(WQ:ORIG)%", `${shown("PATH", "WQ:ORIG")}%`],
  ];
  for (const [format, expected] of cases) assert.equal(showingLoggedPath(format), expected);
});

test("showingLoggedPath() leaves everything else as it is", () => {
  for (const format of ["%PATH(NQ:ORIG)%", "%REQ(X-PATH)% %PROTOCOL%", "a path", "100%% :PATH"])
    assert.equal(showingLoggedPath(format), format);
});
