import assert from "node:assert/strict";
import { test } from "node:test";
import { readLocalProxySettings } from "./local-proxy-settings.ts";

const lifetimes = [
  ["60s", 60_000],
  ["1h30m", 5_400_000],
  ["", undefined],
] as const;

for (const [text, ttlMs] of lifetimes) {
  test(`readLocalProxySettings() reads the SECRET_TTL "${text}"`, () => {
    assert.equal(readLocalProxySettings({ SECRET_TTL: text }).certificateTtlMs, ttlMs);
  });
}

for (const text of ["60", "500ms", "-1h", "soon"]) {
  test(`readLocalProxySettings() refuses the SECRET_TTL "${text}", as in a cluster's pods`, () => {
    assert.throws(() => readLocalProxySettings({ SECRET_TTL: text }), {
      message: `Cannot read SECRET_TTL "${text}": wanted a duration of at least 1s, such as "30s" or "1h30m"`,
    });
  });
}

test("readLocalProxySettings() drains for a moment, unless a longer time is asked for", () => {
  assert.equal(readLocalProxySettings({}).drain.terminationDrainMs, 250);
  const PROXY_CONFIG = '{"terminationDrainDuration":"7s","drainDuration":"2s","concurrency":3}';
  const { drain, drainTimeSeconds, concurrency } = readLocalProxySettings({ PROXY_CONFIG });
  assert.deepEqual([drain.terminationDrainMs, drainTimeSeconds, concurrency], [7_000, 2, 3]);
  assert.throws(() => readLocalProxySettings({ EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "maybe" }), /"maybe"/);
});
