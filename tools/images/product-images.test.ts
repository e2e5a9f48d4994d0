import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { agentNodeFlags } from "./product-images.ts";

test("the Dockerfile starts the agent with the flags of our own images", () => {
  const dockerfile = readFileSync(new URL("../../images/Dockerfile", import.meta.url), "utf8");
  const stage = dockerfile.slice(dockerfile.indexOf("AS agent\n"));
  const entrypoint = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(stage)?.[1] ?? "[]");
  assert.deepEqual(entrypoint.slice(1, -1), agentNodeFlags);
});
