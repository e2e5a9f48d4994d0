// Istio's task "Mutual TLS Migration": who calls from where while plain text is refused in one namespace, then everywhere.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { TaskMesh } from "./task-mesh.ts";

const CALLERS = ["foo", "bar", "legacy"] as const;
const SERVERS = ["foo", "bar"] as const;
const CONNECTION_RESET = 56;

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryMtlsMigration(tasksOf: () => TaskMesh): void {
  /** Such as `legacy→foo`, of calls that didn't come back with 200; each failed by an end of its connection. */
  async function refusedCalls(): Promise<readonly string[]> {
    const calls = CALLERS.flatMap((from) => SERVERS.map((to) => ({ from, to })));
    const outcomes = await Promise.all(
      calls.map(async ({ from, to }) => {
        const url = `http://httpbin.${to}:8000/ip`;
        const answer = await tasksOf().curl(`${from}/curl`, url, "-o", "/dev/null", "-w", "%{http_code}");
        if (answer.stdout === "200") return [];
        assert.deepEqual([answer.stdout, answer.code], ["000", CONNECTION_RESET], answer.stderr);
        return [`${from}→${to}`];
      }),
    );
    return outcomes.flat();
  }
  const untilRefusedAre = (wanted: readonly string[]) =>
    eventually(async () => assert.deepEqual(await refusedCalls(), wanted));

  test("without policies, all calls are served, those from outside the mesh too", async (t) => {
    await untilRefusedAre([]);
    t.diagnostic("foo, bar and legacy to foo and bar: 200");
  });

  test("1-foo-strict: foo refuses legacy, bar still serves it", async (t) => {
    await tasksOf().apply("mtls-migration/1-foo-strict");
    await untilRefusedAre(["legacy→foo"]);
    t.diagnostic("legacy to foo: 000, exit code 56; all others: 200");
  });

  test("2-mesh-strict: foo and bar refuse legacy", async (t) => {
    await tasksOf().apply("mtls-migration/2-mesh-strict");
    await untilRefusedAre(["legacy→foo", "legacy→bar"]);
    t.diagnostic("legacy to foo and to bar: 000, exit code 56; all others: 200");
  });
}
