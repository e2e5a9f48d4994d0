import assert from "node:assert/strict";
import { test } from "node:test";
import { probeMachine, unshareArguments } from "./machine-ability.ts";

test("probeMachine() says on another platform what it needs", async () => {
  const ability = await probeMachine("darwin");
  assert(ability.kind === "unable");
  assert.match(ability.sentence, /needs Linux, and this is darwin/);
});

test("unshareArguments() make a user namespace only where there is no root", () => {
  assert(!unshareArguments("root").includes("--user"));
  assert.deepEqual(unshareArguments("user-namespace").slice(0, 3), [
    "--user",
    "--map-auto",
    "--map-root-user",
  ]);
});
