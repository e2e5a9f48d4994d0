import assert from "node:assert/strict";
import { test } from "node:test";
import { uninjectedText } from "./uninjected-text.ts";

test("uninjectedText() says which pods, why, and what to do", () => {
  const pods = ["a", "b", "c", "d", "e", "f", "g"];
  const text = uninjectedText({ hasColour: false }, [
    { namespace: "shop", reason: "unknown revision", revision: "prod", pods },
    { namespace: "edge", reason: "made too early", revision: "default", pods: ["gateway-1"] },
    { namespace: "next", reason: "unknown revision", revision: "old", pods: [] },
  ]);
  assert.deepEqual(text.split("\n"), [
    'without a sidecar in namespace shop: a, b, c, d, e, 2 more: nobody injects revision "prod", which they ask for (see meltemi tag list)',
    "without a sidecar in namespace edge: gateway-1: made before injection answered, and waiting for an image that never comes: delete them",
    'without a sidecar in namespace next: its next pods: nobody injects revision "old", which they ask for (see meltemi tag list)',
    "",
  ]);
});
