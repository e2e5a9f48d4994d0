import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxySide } from "./filter-chain-inputs.ts";
import { connectionManagerFeatures } from "./http-connection-manager.ts";

const sides: readonly ProxySide[] = ["outbound", "inbound-mutual-tls", "inbound-plaintext", "gateway"];

test("connectionManagerFeatures each say fields of their own", () => {
  const settings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" } as const;
  for (const side of sides) {
    const forward = { kind: "http", side, statPrefix: "a", routeName: "80", hasGrpcWeb: false } as const;
    const said = connectionManagerFeatures.flatMap(({ build }) => Object.keys(build({ forward, settings })));
    assert.ok(said.length >= connectionManagerFeatures.length - 2, said.join(" "));
    assert.deepEqual(said, [...new Set(said)]);
  }
});
