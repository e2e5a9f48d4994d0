import assert from "node:assert/strict";
import { test } from "node:test";
import type { DaemonSet } from "../../kinds/daemon-set.ts";
import type { Job } from "../../kinds/job.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { planDaemonSet } from "./plan-daemon-set.ts";
import { planJob } from "./plan-job.ts";

function job(spec: Partial<Job["spec"]> = {}, image = "a"): Job {
  const template = { spec: { restartPolicy: "Never" as const, containers: [{ name: "app", image }] } };
  const metadata = { name: "import", namespace: "shop" };
  return { apiVersion: "batch/v1", kind: "Job", metadata, spec: { template, ...spec } };
}

function inPhase(pod: Pod, phase: string): Pod {
  return { ...pod, status: { phase } };
}

test("planJob() completes after one success and starts no more", () => {
  const [pod] = planJob(job(), [], 0).create;
  assert.ok(pod);
  const plan = planJob(job(), [inPhase(pod, "Succeeded")], 0);
  assert.deepEqual([plan.create, plan.remove], [[], []]);
  assert.deepEqual(plan.status.conditions, [{ type: "Complete", status: "True" }]);
});

test("planJob() keeps parallelism pods running until completions are reached", () => {
  const wanted = job({ completions: 3, parallelism: 2 });
  const first = planJob(wanted, [], 0).create;
  assert.equal(first.length, 2);
  const oneDone = first.map((pod, index) => inPhase(pod, index === 0 ? "Succeeded" : "Running"));
  const second = planJob(wanted, oneDone, 0).create;
  assert.equal(second.length, 1);
  const lastRunning = [...oneDone, ...second].map((pod, index) =>
    inPhase(pod, index < 2 ? "Succeeded" : "Running"),
  );
  assert.equal(planJob(wanted, lastRunning, 0).create.length, 0);
});

test("planJob() replaces failed pods up to backoffLimit, then fails", () => {
  const wanted = job({ backoffLimit: 1 });
  const [first] = planJob(wanted, [], 0).create;
  assert.ok(first);
  const [second] = planJob(wanted, [inPhase(first, "Failed")], 0).create;
  assert.ok(second);
  assert.notEqual(second.metadata.name, first.metadata.name);
  const plan = planJob(wanted, [inPhase(first, "Failed"), inPhase(second, "Failed")], 0);
  assert.deepEqual(plan.create, []);
  assert.deepEqual(plan.status.conditions, [
    { type: "Failed", status: "True", reason: "BackoffLimitExceeded" },
  ]);
});

test("planJob() starts anew when its template changes", () => {
  const [pod] = planJob(job(), [], 0).create;
  assert.ok(pod);
  const done = inPhase(pod, "Succeeded");
  const plan = planJob(job({}, "b"), [done], 0);
  assert.deepEqual(plan.remove, [done]);
  assert.equal(plan.create.length, 1);
});

test("planJob() stops at activeDeadlineSeconds", () => {
  const wanted = job({ activeDeadlineSeconds: 10 });
  const [pod] = planJob(wanted, [], 0).create;
  assert.ok(pod);
  const created = { ...pod, metadata: { ...pod.metadata, creationTimestamp: "1970-01-01T00:00:00Z" } };
  assert.equal(planJob(wanted, [created], 4_000).recheckAfterMs, 6_000);
  assert.deepEqual(planJob(wanted, [created], 10_000).remove, [created]);
});

test("planDaemonSet() runs one pod and replaces it when the template changes", () => {
  const daemonSet = (image: string): DaemonSet => ({
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent", namespace: "shop" },
    spec: { selector: {}, template: { spec: { containers: [{ name: "app", image }] } } },
  });
  const { create } = planDaemonSet(daemonSet("a"), [], 0);
  assert.equal(create.length, 1);
  assert.deepEqual(planDaemonSet(daemonSet("a"), create, 0).create, []);
  const plan = planDaemonSet(daemonSet("b"), create, 0);
  assert.deepEqual([plan.create, plan.remove], [[], create]);
});
