import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../kinds/pod/pod.ts";
import { applicationContainers, buildPodReport } from "./pod-report.ts";

function pod(changes: { metadata?: object; spec?: object; status?: object } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-5f7d-x2k", namespace: "shop", ...changes.metadata },
    spec: { containers: [{ name: "web" }, { name: "istio-proxy" }], ...changes.spec },
    ...(changes.status && { status: changes.status }),
  } as Pod;
}

const ownedBy = (kind: string, name: string) => ({
  ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: "u", controller: true }],
});

test("buildPodReport() finds the workload", () => {
  const workloadOf = (metadata: object) => buildPodReport(pod({ metadata })).workload;
  const labels = { "pod-template-hash": "5f7d" };
  assert.deepEqual(workloadOf({ labels, ...ownedBy("ReplicaSet", "web-5f7d") }), {
    kind: "Deployment",
    name: "web",
  });
  assert.deepEqual(workloadOf(ownedBy("ReplicaSet", "by-hand")), { kind: "ReplicaSet", name: "by-hand" });
  assert.deepEqual(workloadOf(ownedBy("StatefulSet", "web")), { kind: "StatefulSet", name: "web" });
  assert.deepEqual(workloadOf({}), { kind: "Pod", name: "web-5f7d-x2k" });
});

test("buildPodReport() tells init containers from those that go on", () => {
  const running = { ready: true, restartCount: 1, state: { running: {} } };
  const { containers, ip, phase, startedAtMs } = buildPodReport(
    pod({
      spec: {
        initContainers: [
          { name: "istio-init" },
          { name: "istio-proxy", restartPolicy: "Always" },
          { name: "log", restartPolicy: "Always" },
        ],
        containers: [{ name: "web" }],
      },
      status: {
        phase: "Running",
        podIP: "10.244.0.7",
        startTime: "1970-01-01T00:00:01Z",
        initContainerStatuses: [
          { name: "istio-init", ready: true, state: { terminated: { reason: "Completed" } } },
          { name: "istio-proxy", ...running },
          { name: "log", ...running },
        ],
        containerStatuses: [{ name: "web", state: { waiting: { reason: "CrashLoopBackOff" } } }],
      },
    }),
  );
  assert.deepEqual([phase, ip, startedAtMs], ["Running", "10.244.0.7", 1_000]);
  assert.deepEqual(
    containers.map(({ name, role, state, isReady, restartCount }) => [
      name,
      role,
      state,
      isReady,
      restartCount,
    ]),
    [
      ["istio-init", "init", "Completed", true, 0],
      ["istio-proxy", "proxy", "Running", true, 1],
      ["log", "app", "Running", true, 1],
      ["web", "app", "CrashLoopBackOff", false, 0],
    ],
  );
});

test("buildPodReport() says that a pod is leaving", () => {
  const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  assert.equal(buildPodReport(pod({ metadata, status: { phase: "Running" } })).phase, "Terminating");
});

test("applicationContainers() leaves out the proxy, unless it is alone", () => {
  assert.deepEqual(applicationContainers(pod()), ["web"]);
  const gateway = pod({ spec: { containers: [{ name: "istio-proxy" }] } });
  assert.deepEqual(applicationContainers(gateway), ["istio-proxy"]);
});

test("applicationContainers() begins with the one that the pod names for kubectl", () => {
  const metadata = { annotations: { "kubectl.kubernetes.io/default-container": "web" } };
  const spec = { containers: [{ name: "log" }, { name: "web" }, { name: "istio-proxy" }] };
  assert.deepEqual(applicationContainers(pod({ metadata, spec })), ["web", "log"]);
});
