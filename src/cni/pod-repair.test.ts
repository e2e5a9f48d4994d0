import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { ApiClient, ApiRequest } from "../kubernetes/api-client.ts";
import { type RepairMode, startPodRepair } from "./pod-repair.ts";

/** An API server that has these objects by path, and notes what it is told to change. */
function serverWith(answers: Readonly<Record<string, unknown>>) {
  const changes: ApiRequest[] = [];
  const client: ApiClient = {
    request: async (request) => {
      if (request.method !== undefined) changes.push(request);
      return answers[request.path] ?? {};
    },
    open: () => Promise.reject(new Error("nothing to watch")),
    close: () => undefined,
  };
  return { client, changes };
}

function podOf(
  name: string,
  exitCode: number,
  {
    labels = {},
    restartCount = 0,
  }: { labels?: Readonly<Record<string, string>>; restartCount?: number } = {},
) {
  const annotations = { "sidecar.istio.io/status": "{}" };
  const terminated = { exitCode };
  return {
    metadata: { name, namespace: "shop", uid: `uid-${name}`, labels, annotations },
    spec: { containers: [] },
    status: { initContainerStatuses: [{ name: "istio-validation", restartCount, state: { terminated } }] },
  };
}

/** Looks once at each list of pods. */
async function repair(mode: RepairMode, ...lists: readonly (readonly object[])[]) {
  const answers: Record<string, unknown> = {};
  const { client, changes } = serverWith(answers);
  const captured: (string | undefined)[] = [];
  const started = startPodRepair({
    client,
    nodeName: "node-1",
    mode,
    capture: async ({ metadata }) => void captured.push(metadata.name),
    clock: new ManualClock(),
    log: silentLogger,
  });
  for (const items of lists) {
    answers["/api/v1/pods"] = { items };
    await started.check();
  }
  started.close();
  return { captured, changes };
}

const pods = [podOf("early", 126), podOf("sound", 0)];

test("startPodRepair() captures pods that started too early", async () => {
  const { captured, changes } = await repair("repair", pods);
  assert.deepEqual([captured, changes], [["early"], []]);
});

test("startPodRepair() leaves a captured pod alone until its next validation fails, too", async () => {
  const [first, second] = [0, 1].map((restartCount) => [podOf("early", 126, { restartCount })]);
  const { captured } = await repair("repair", first ?? [], first ?? [], second ?? []);
  assert.deepEqual(captured, ["early", "early"]);
});

test("startPodRepair() deletes exactly the pod that it saw", async () => {
  const { changes } = await repair("delete", pods);
  assert.deepEqual(changes, [
    {
      method: "DELETE",
      path: "/api/v1/namespaces/shop/pods/early",
      body: { preconditions: { uid: "uid-early" } },
    },
  ]);
});

test("startPodRepair() labels a pod once", async () => {
  assert.equal((await repair("label", pods)).changes.length, 1);
  const labelled = podOf("early", 126, { labels: { "cni.istio.io/uninitialized": "true" } });
  assert.equal((await repair("label", [labelled])).changes.length, 0);
});
