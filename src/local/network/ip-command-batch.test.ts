import assert from "node:assert/strict";
import { test } from "node:test";
import { createIpCommandBatch } from "./ip-command-batch.ts";

test("run() gives the commands of all waiting callers to one process", async () => {
  const inputs: string[] = [];
  const batch = createIpCommandBatch(async (input) => {
    inputs.push(input);
    return { code: 0, stderr: "" };
  });
  await Promise.all([batch.run(["link a"]), batch.run(["link b", "link c"])]);
  await batch.run(["link d"]);
  assert.deepEqual(inputs, ["link a\nlink b\nlink c\n", "link d\n"]);
});

test("run() fails only the caller whose command failed, with ip's reason", async () => {
  const stderr = "RTNETLINK answers: File exists\nCommand failed -:2\n";
  const batch = createIpCommandBatch(async () => ({ code: 1, stderr }));
  const outcomes = await Promise.allSettled([batch.run(["a"]), batch.run(["b", "c"]), batch.run(["d"])]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.match(String(outcomes[1]?.status === "rejected" && outcomes[1].reason), /File exists \(b; c\)/);
});

test("run() fails all where ip itself can't run", async () => {
  const batch = createIpCommandBatch(() => Promise.reject(new Error("no ip here")));
  await assert.rejects(batch.run(["a"]), /no ip here/);
});
