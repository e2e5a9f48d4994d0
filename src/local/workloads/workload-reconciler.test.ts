import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { bareSurroundings } from "../../../tests/support/bare-sandbox-fixture.ts";
import type { TestStore } from "../../../tests/support/workload-store-fixture.ts";
import { createTestStore } from "../../../tests/support/workload-store-fixture.ts";
import { ManualClock, systemClock } from "../../core/clock.ts";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { Deployment } from "../../kinds/deployment.ts";
import type { EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { ContainerLog } from "./container-log.ts";
import { Kubelet } from "./kubelet.ts";
import { isReady, isTerminating } from "./pod-condition.ts";
import { WorkloadReconciler } from "./workload-reconciler.ts";
import { keyOfObject } from "./workload-store.ts";

interface Mesh {
  readonly store: TestStore;
  readonly reconciler: WorkloadReconciler;
  readonly events: string[];
  problems(): readonly Problem[];
  pods(): readonly Pod[];
  endpoints(): NonNullable<EndpointSlice["endpoints"]>;
}

/** Controllers and kubelet on one store, with real processes. */
async function start(context: TestContext): Promise<Mesh> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-mesh-"));
  const store = createTestStore();
  const events: string[] = [];
  let problems: readonly Problem[] = [];
  const reconciler = new WorkloadReconciler({
    store,
    clock: systemClock,
    inject: (pod) => ({ pod, problems: [] }),
    allocateVip: () => ({ ip: "10.96.0.7" }),
    releaseVip: () => undefined,
    onProblems: (found) => {
      problems = found;
    },
  });
  const runtime = {
    ...bareSurroundings(directory, { events, log: new ContainerLog() }),
    awaitEndpointRemoval: async (pod: Pod) => {
      await store.until(() =>
        endpoints().every(
          ({ targetRef, conditions }) => targetRef?.name !== pod.metadata.name || conditions?.ready === false,
        ),
      );
      events.push("endpoint withdrawn");
    },
  };
  const kubelet = new Kubelet({
    store,
    runtime,
    onGone: ({ metadata }) => events.push(`gone ${metadata.name}`),
  });
  const endpoints = () =>
    (store.list("EndpointSlice") as readonly EndpointSlice[]).flatMap((slice) => slice.endpoints);
  context.after(async () => {
    reconciler.close();
    await kubelet.close(0);
    await rm(directory, { recursive: true, force: true });
  });
  return {
    store,
    reconciler,
    events,
    problems: () => problems,
    pods: () => store.list("Pod") as readonly Pod[],
    endpoints,
  };
}

function deployment(script: string, replicas = 2): Deployment {
  const container = { name: "app", command: ["sh", "-c", script] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "reviews", namespace: "shop" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "reviews" } },
      template: { metadata: { labels: { app: "reviews" } }, spec: { containers: [container] } },
    },
  };
}

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "reviews", namespace: "shop" },
  spec: { selector: { app: "reviews" }, ports: [{ port: 80 }] },
};

function isSettled(mesh: Mesh, script: string, count: number): boolean {
  const pods = mesh.pods();
  const isCurrent = (pod: Pod) => pod.spec.containers[0]?.command?.[2] === script;
  return pods.length === count && pods.every((pod) => isReady(pod) && isCurrent(pod));
}

test("WorkloadReconciler makes what a Deployment and a Service need", async (context) => {
  const mesh = await start(context);
  mesh.store.apply([service, deployment("exec sleep 60")]);
  await mesh.store.until(() => mesh.endpoints().filter(({ conditions }) => conditions?.ready).length === 2);
  const stored = mesh.store.get(objectKey({ kind: "Service", namespace: "shop", name: "reviews" }));
  assert.deepEqual(stored?.spec, { ...service.spec, clusterIP: "10.96.0.7", clusterIPs: ["10.96.0.7"] });
  assert.ok(mesh.store.get(objectKey({ kind: "Namespace", namespace: "", name: "shop" })));
  assert.ok(mesh.store.get(objectKey({ kind: "ServiceAccount", namespace: "shop", name: "default" })));
  assert.deepEqual(
    mesh.problems().map(({ code }) => code),
    ["MLT3107"],
  );
});

test("WorkloadReconciler rolls a Deployment: endpoints leave before pods end, and some are always ready", async (context) => {
  const mesh = await start(context);
  mesh.store.apply([service, deployment("exec sleep 60")]);
  await mesh.store.until(() => isSettled(mesh, "exec sleep 60", 2));
  let fewestReady = 2;
  const end = mesh.store.watch(() => {
    const readyCount = mesh.pods().filter((pod) => isReady(pod) && !isTerminating(pod)).length;
    fewestReady = Math.min(fewestReady, readyCount);
  });
  mesh.store.apply([deployment("exec sleep 61")]);
  await mesh.store.until(() => isSettled(mesh, "exec sleep 61", 2));
  end();
  assert.equal(fewestReady, 2);
  assert.equal(mesh.events.filter((event) => event === "endpoint withdrawn").length, 2);
  assert.equal(mesh.events.indexOf("endpoint withdrawn") < mesh.events.indexOf("sandbox closed"), true);
});

test("WorkloadReconciler ends the pods of a workload that is gone", async (context) => {
  const mesh = await start(context);
  mesh.store.apply([deployment("exec sleep 60", 1)]);
  await mesh.store.until(() => isSettled(mesh, "exec sleep 60", 1));
  mesh.store.delete([objectKey({ kind: "Deployment", namespace: "shop", name: "reviews" })]);
  await mesh.store.until(() => mesh.pods().length === 0);
});

test("WorkloadReconciler replaces a pod that the user declared when it changes", async (context) => {
  const mesh = await start(context);
  const declared = (script: string): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "once", namespace: "shop" },
    spec: { containers: [{ name: "app", command: ["sh", "-c", script] }] },
  });
  const key = objectKey({ kind: "Pod", namespace: "shop", name: "once" });
  mesh.reconciler.declarePod(key, declared("exec sleep 60"));
  await mesh.store.until(() => isSettled(mesh, "exec sleep 60", 1));
  mesh.reconciler.declarePod(key, declared("exec sleep 61"));
  await mesh.store.until(() => isSettled(mesh, "exec sleep 61", 1));
  mesh.reconciler.declarePod(key, undefined);
  await mesh.store.until(() => mesh.pods().length === 0);
});

test("WorkloadReconciler runs a Job to its end", async (context) => {
  const mesh = await start(context);
  const container = { name: "app", command: ["sh", "-c", "exit 0"] };
  const template = { spec: { restartPolicy: "Never", containers: [container] } };
  const metadata = { name: "import", namespace: "shop" };
  mesh.store.apply([{ apiVersion: "batch/v1", kind: "Job", metadata, spec: { completions: 2, template } }]);
  const job = () =>
    mesh.store.get(objectKey({ kind: "Job", ...metadata }))?.status as { succeeded?: number } | undefined;
  await mesh.store.until(() => job()?.succeeded === 2);
  assert.equal(mesh.pods().length, 2);
});

test("WorkloadReconciler makes no pass for a change of what it doesn't read", async () => {
  const store = createTestStore();
  const clock = new ManualClock();
  let passCount = 0;
  const reconciler = new WorkloadReconciler({
    store,
    clock,
    inject: (pod) => ({ pod, problems: [] }),
    allocateVip: () => ({}),
    releaseVip: () => undefined,
    onProblems: () => {
      passCount += 1;
    },
  });
  clock.advance(1_000);
  const passesBefore = passCount;
  const metadata = { name: "a", namespace: "default" };
  const route = { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata, spec: {} };
  store.apply([route]);
  reconciler.reconcileAfter([keyOfObject(route)]);
  clock.advance(1_000);
  assert.equal(passCount, passesBefore);
  const service = { apiVersion: "v1", kind: "Service", metadata, spec: {} };
  store.apply([service]);
  reconciler.reconcileAfter([keyOfObject(service)]);
  assert.equal(passCount, passesBefore + 1);
  reconciler.close();
});
