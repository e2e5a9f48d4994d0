import assert from "node:assert/strict";
import { test } from "node:test";
import { meshToRun } from "./mesh-name.ts";

const input = (options: Readonly<Record<string, string>>) => ({ args: [], options });

test("meshToRun() takes --mesh or --name, else MELTEMI_MESH, else the default", () => {
  const env = { MELTEMI_MESH: "second" };
  assert.equal(meshToRun(env, input({ mesh: "third" })), "third");
  assert.equal(meshToRun(env, input({ name: "third" })), "third");
  assert.equal(meshToRun(env, input({})), "second");
  assert.equal(meshToRun({ MELTEMI_MESH: "" }, input({})), "default");
  assert.equal(meshToRun({}, input({ mesh: "a", name: "a" })), "a");
});

test("meshToRun() refuses two names", () => {
  assert.throws(() => meshToRun({}, input({ mesh: "a", name: "b" })), {
    exitCode: 2,
    message: 'Cannot tell which mesh is meant: --mesh says "a", --name says "b"',
  });
});
