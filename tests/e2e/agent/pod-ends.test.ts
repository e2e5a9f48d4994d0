// When a pod's proxy is ready, and how it ends: by kubelet, by its own pod, by a crash of Envoy, and where it can't start.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { namespaceSkip } from "../capture/pod-namespace.ts";
import { buildAgent } from "./built-agent.ts";
import { outputOf } from "./output-of.ts";

test("a pod's proxy ends when and as it should", { skip: namespaceSkip }, async (t) => {
  const agent = await buildAgent();
  t.after(() => agent.remove());
  const program = fileURLToPath(new URL("pod-ends.ts", import.meta.url));
  const argv = ["--net", process.execPath, "--import", "tsx", program];
  const seen = JSON.parse(
    await outputOf("unshare", [...argv, agent.directory, agent.programPath, agent.envoyPath]),
  );

  await t.test("it is ready with its first configuration, not before", () => {
    assert.deepEqual(seen.readiness, { without: 1, withConfig: 0, exitCode: 0 });
  });
  await t.test("an Envoy that is killed is back without a new container", () => {
    assert.deepEqual(seen.crash, { again: 0, isSameAgent: true, exitCode: 0 });
  });
  await t.test("SIGTERM lets a request end, and serves others for terminationDrainDuration", () => {
    const { answer, others, wasRunning, exitCode, stopMs, log } = seen.drained;
    assert.deepEqual([answer, wasRunning, exitCode], ["200 at last", true, 0], log);
    assert.deepEqual([...new Set(others)], ["200 done"]);
    assert.ok(stopMs >= 3_000 && stopMs < 15_000, `${stopMs} ms`);
  });
  await t.test("EXIT_ON_ZERO_ACTIVE_CONNECTIONS waits for the last connection, and no longer", () => {
    const { answer, others, wasRunning, exitCode, afterReleaseMs, log } = seen.zero;
    assert.deepEqual([answer, wasRunning, exitCode], ["200 at last", true, 0], log);
    assert.deepEqual([...new Set(others)], ["200 done"]);
    assert.ok(afterReleaseMs < 15_000, `${afterReleaseMs} ms`);
  });
  await t.test("a second signal, of whatever name, ends the wait", () => {
    assert.equal(seen.hurried.exitCode, 0);
    assert.ok(seen.hurried.stopMs < 30_000, `${seen.hurried.stopMs} ms`);
  });
  for (const [what, { exitCode, stopMs }] of [
    ["the agent's", seen.quit],
    ["Envoy's own", seen.envoyQuit],
  ] as const) {
    await t.test(`${what} /quitquitquit ends it at once`, () => {
      assert.equal(exitCode, 0);
      assert.ok(stopMs < 30_000, `${stopMs} ms`);
    });
  }
  await t.test("the agent answers who asked it to quit", () => assert.equal(seen.quit.asked, 0));
  await t.test("a bootstrap that Envoy refuses ends it with a sentence", () => {
    assert.equal(seen.refused.exitCode, 1, seen.refused.log);
    assert.match(seen.refused.log, /Cannot run Envoy .+ ended with code 1, and said: .+/);
  });
});
