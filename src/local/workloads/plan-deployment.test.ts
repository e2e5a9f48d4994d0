import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment } from "../../kinds/deployment.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { planDeployment } from "./plan-deployment.ts";
import { isReady, isTerminating } from "./pod-condition.ts";

function deployment(spec: Partial<Deployment["spec"]> = {}, image = "a"): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "reviews", namespace: "shop" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "reviews" } },
      template: {
        metadata: { labels: { app: "reviews" } },
        spec: { containers: [{ name: "app", image }] },
      },
      ...spec,
    },
  };
}

function ready(pod: Pod, isTrue = true): Pod {
  return { ...pod, status: { conditions: [{ type: "Ready", status: isTrue ? "True" : "False" }] } };
}

/** Applies one plan: new pods are not ready yet, removed ones terminate. */
function apply(pods: readonly Pod[], wanted: Deployment): Pod[] {
  const plan = planDeployment(wanted, pods, 0);
  const removed = new Set(plan.remove.map((pod) => pod.metadata.name));
  return [...pods, ...plan.create].map((pod) =>
    removed.has(pod.metadata.name)
      ? { ...pod, metadata: { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }
      : pod,
  );
}

test("planDeployment() names pods by template hash, equal in every run", () => {
  const first = planDeployment(deployment(), [], 0).create.map((pod) => pod.metadata.name);
  const second = planDeployment(deployment(), [], 0).create.map((pod) => pod.metadata.name);
  assert.deepEqual(first, second);
  assert.equal(new Set(first).size, 3);
  for (const name of first) assert.match(name, /^reviews-[a-z0-9]{10}-[a-z0-9]{5}$/);
});

test("planDeployment() makes pods that point at their ReplicaSet, as injection expects", () => {
  const [pod] = planDeployment(deployment(), [], 0).create;
  const hash = pod?.metadata.labels?.["pod-template-hash"];
  assert.equal(pod?.metadata.ownerReferences?.[0]?.kind, "ReplicaSet");
  assert.equal(pod?.metadata.ownerReferences?.[0]?.name, `reviews-${hash}`);
  assert.equal(pod?.metadata.labels?.app, "reviews");
});

test("planDeployment() replaces a removed pod under a name that isn't taken", () => {
  const pods = apply([], deployment({ replicas: 1 }));
  const leaving = pods.map((pod) => ({
    ...pod,
    metadata: { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
  }));
  const { create } = planDeployment(deployment({ replicas: 1 }), leaving, 0);
  assert.equal(create.length, 1);
  assert.notEqual(create[0]?.metadata.name, pods[0]?.metadata.name);
});

for (const strategy of [
  { maxSurge: "25%", maxUnavailable: "25%", replicas: 10 },
  { maxSurge: 1, maxUnavailable: 0, replicas: 3 },
  { maxSurge: 0, maxUnavailable: 1, replicas: 3 },
  { maxSurge: 0, maxUnavailable: 0, replicas: 1 },
  { maxSurge: "100%", maxUnavailable: 0, replicas: 4 },
]) {
  const { replicas, ...rollingUpdate } = strategy;
  test(`planDeployment() rolls within bounds: ${JSON.stringify(strategy)}`, () => {
    const before = deployment({ replicas });
    const after = deployment({ replicas, strategy: { type: "RollingUpdate", rollingUpdate } }, "b");
    let pods = apply([], before).map((pod) => ready(pod));
    const surge = Math.ceil(replicas * (rollingUpdate.maxSurge === "25%" ? 0.25 : 1));
    const maxSurge = typeof rollingUpdate.maxSurge === "number" ? rollingUpdate.maxSurge : surge;
    const maxUnavailable =
      typeof rollingUpdate.maxUnavailable === "number"
        ? Math.max(rollingUpdate.maxUnavailable, maxSurge === 0 ? 1 : 0)
        : Math.floor(replicas / 4);
    let rounds = 0;
    for (; rounds < 100; rounds += 1) {
      pods = apply(pods, after);
      const staying = pods.filter((pod) => !isTerminating(pod));
      assert.ok(staying.length <= replicas + maxSurge, `${staying.length} pods`);
      assert.ok(staying.filter(isReady).length >= replicas - maxUnavailable, "too few are ready");
      // One new pod becomes ready and one terminating pod ends a round: the slowest rollout.
      const starting = pods.find((pod) => !isReady(pod) && !isTerminating(pod));
      const ending = pods.find(isTerminating);
      pods = pods.filter((pod) => pod !== ending).map((pod) => (pod === starting ? ready(pod) : pod));
      const done = pods.every((pod) => pod.spec.containers[0]?.image === "b" && isReady(pod));
      if (done && pods.length === replicas) break;
    }
    assert.ok(rounds < 100, "the rollout never ended");
    assert.ok(rounds > 0, "nothing was rolled");
  });
}

test("planDeployment() with Recreate waits until the old pods are gone", () => {
  const strategy = { type: "Recreate" } as const;
  let pods = apply([], deployment({ replicas: 2, strategy })).map((pod) => ready(pod));
  pods = apply(pods, deployment({ replicas: 2, strategy }, "b"));
  assert.ok(pods.every(isTerminating));
  assert.equal(planDeployment(deployment({ replicas: 2, strategy }, "b"), pods, 0).create.length, 0);
  assert.equal(planDeployment(deployment({ replicas: 2, strategy }, "b"), [], 0).create.length, 2);
});

test("planDeployment() gives up unready pods first when it scales down", () => {
  const pods = apply([], deployment()).map((pod, index) => ready(pod, index !== 1));
  const { remove } = planDeployment(deployment({ replicas: 2 }), pods, 0);
  assert.deepEqual(
    remove.map((pod) => pod.metadata.name),
    [pods[1]?.metadata.name],
  );
});

test("planDeployment() counts a pod as available after minReadySeconds and asks to look again", () => {
  const [pod] = apply([], deployment({ replicas: 1 }));
  assert.ok(pod);
  const readyAt = { ...pod, status: { conditions: [readySince("1970-01-01T00:00:10Z")] } };
  const plan = planDeployment(deployment({ replicas: 1, minReadySeconds: 5 }), [readyAt], 12_000);
  assert.equal(plan.status.readyReplicas, 1);
  assert.equal(plan.status.availableReplicas, 0);
  assert.equal(plan.recheckAfterMs, 3_000);
});

function readySince(lastTransitionTime: string) {
  return { type: "Ready", status: "True", lastTransitionTime } as const;
}
