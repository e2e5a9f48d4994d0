import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { ApiClient, ApiRequest } from "../kubernetes/api-client.ts";
import { startMeshNamespaces } from "./mesh-namespaces.ts";
import { type RepairMode, startPodRepair } from "./pod-repair.ts";
import { findPodNamespace } from "./running-pod.ts";

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

function podOf(name: string, exitCode: number, labels: Readonly<Record<string, string>> = {}) {
  const annotations = { "sidecar.istio.io/status": "{}" };
  const terminated = { exitCode };
  return {
    metadata: { name, namespace: "shop", uid: `uid-${name}`, labels, annotations },
    spec: { containers: [] },
    status: { initContainerStatuses: [{ name: "istio-validation", state: { terminated } }] },
  };
}

async function repair(mode: RepairMode, pods: readonly object[]) {
  const { client, changes } = serverWith({ "/api/v1/pods": { items: pods } });
  const captured: (string | undefined)[] = [];
  const started = startPodRepair({
    client,
    nodeName: "node-1",
    mode,
    capture: async ({ metadata }) => void captured.push(metadata.name),
    clock: new ManualClock(),
    log: silentLogger,
  });
  await started.check();
  started.close();
  return { captured, changes };
}

const pods = [podOf("early", 126), podOf("sound", 0)];

test("startPodRepair() captures pods that started too early", async () => {
  const { captured, changes } = await repair("repair", pods);
  assert.deepEqual([captured, changes], [["early"], []]);
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
  const labelled = podOf("early", 126, { "cni.istio.io/uninitialized": "true" });
  assert.equal((await repair("label", [labelled])).changes.length, 0);
});

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mlt-cni-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test("startMeshNamespaces() lists those that ask for injection, without the excluded", async (t) => {
  const labels = { "istio-injection": "enabled" };
  const items = [
    { metadata: { name: "shop", labels } },
    { metadata: { name: "bank" } },
    { metadata: { name: "kube-system", labels } },
    { metadata: { name: "audit", labels } },
  ];
  const { client } = serverWith({ "/api/v1/namespaces": { items } });
  const path = join(await directoryOf(t), "mesh-namespaces");
  const excludedNamespaces = ["kube-system"];
  const options = { client, path, excludedNamespaces, clock: new ManualClock(), log: silentLogger };
  const namespaces = startMeshNamespaces(options);
  t.after(() => namespaces.close());
  await namespaces.refresh();
  assert.equal(await readFile(path, "utf8"), "audit\nshop\n");
});

test("findPodNamespace() knows kubelet's control groups in both spellings", async (t) => {
  const directory = await directoryOf(t);
  const groups = {
    12: "0::/kubepods/burstable/pod1-2-3/abc\n",
    13: "0::/kubepods.slice/kubepods-pod4_5_6.slice/cri-x.scope\n",
  };
  for (const [pid, text] of Object.entries(groups)) {
    await mkdir(join(directory, pid));
    await writeFile(join(directory, pid, "cgroup"), text);
  }
  assert.equal(await findPodNamespace("1-2-3", directory), join(directory, "12/ns/net"));
  assert.equal(await findPodNamespace("4-5-6", directory), join(directory, "13/ns/net"));
  assert.equal(await findPodNamespace("7-8-9", directory), undefined);
});
