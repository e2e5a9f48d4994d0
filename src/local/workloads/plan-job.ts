// The Job controller as a function: as many pods at a time as parallelism says, until completions succeeded
// or more failed than backoffLimit allows. A changed template starts the job anew (Kubernetes would refuse it).

import type { Job } from "../../kinds/job.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { isFinished, isTerminating } from "./pod-condition.ts";
import { replicaSuffix } from "./template-hash.ts";
import type { WorkloadPlan } from "./workload-plan.ts";
import { buildPod, ownerReference, podCountOf, workloadTemplateHash } from "./workload-plan.ts";

const REVISION_LABEL = "local.meltemi.dev/template-hash";

/** `pods` are those owned by the job, finished and terminating ones too. */
export function planJob(job: Job, pods: readonly Pod[], nowMs: number): WorkloadPlan {
  const view = lookAt(job, pods, nowMs);
  if (view.end !== undefined || job.spec.suspend === true) {
    return { create: [], remove: [...view.outdated, ...view.active], status: jobStatus(view) };
  }
  const remainingCount = view.wantedCount === undefined ? Infinity : view.wantedCount - view.succeededCount;
  const activeCountWanted = Math.min(podCountOf(job.spec.parallelism ?? 1), Math.max(0, remainingCount));
  // Without completions the first success says that the work is done: let the others end, start no more.
  const mayCreate = view.wantedCount !== undefined || view.succeededCount === 0;
  const createCount = mayCreate ? Math.max(0, activeCountWanted - view.active.length) : 0;
  return {
    create: newPods(job, pods, { revision: view.revision, count: createCount }),
    remove: [...view.outdated, ...view.active.slice(activeCountWanted)],
    status: jobStatus(view),
    ...(view.deadlineInMs === undefined ? {} : { recheckAfterMs: view.deadlineInMs }),
  };
}

interface JobEnd {
  readonly type: "Complete" | "Failed";
  readonly reason?: string;
}

interface View {
  readonly revision: string;
  readonly wantedCount: number | undefined;
  readonly active: readonly Pod[];
  readonly outdated: readonly Pod[];
  readonly succeededCount: number;
  readonly failedCount: number;
  readonly end: JobEnd | undefined;
  readonly deadlineInMs: number | undefined;
}

function lookAt(job: Job, pods: readonly Pod[], nowMs: number): View {
  const revision = workloadTemplateHash(job.spec.template);
  const current = pods.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === revision);
  const active = current.filter((pod) => !isFinished(pod) && !isTerminating(pod));
  const wantedCount = job.spec.completions ?? (job.spec.parallelism === undefined ? 1 : undefined);
  const counts = {
    succeededCount: current.filter((pod) => pod.status?.phase === "Succeeded").length,
    failedCount: current.filter((pod) => pod.status?.phase === "Failed").length,
  };
  const deadlineInMs = millisecondsToDeadline(job, current, nowMs);
  return {
    revision,
    wantedCount,
    active,
    outdated: pods.filter((pod) => !current.includes(pod) && !isTerminating(pod)),
    ...counts,
    end: endOf(job, { ...counts, wantedCount, active, deadlineInMs }),
    deadlineInMs,
  };
}

function endOf(
  job: Job,
  seen: Pick<View, "wantedCount" | "active" | "succeededCount" | "failedCount" | "deadlineInMs">,
): JobEnd | undefined {
  const restartCount = seen.active.flatMap((pod) => pod.status?.containerStatuses ?? []);
  const failureCount =
    seen.failedCount + restartCount.reduce((sum, status) => sum + (status.restartCount ?? 0), 0);
  const isWorkQueueDone =
    seen.wantedCount === undefined && seen.succeededCount > 0 && seen.active.length === 0;
  if (isWorkQueueDone) return { type: "Complete" };
  if (seen.wantedCount !== undefined && seen.succeededCount >= seen.wantedCount) return { type: "Complete" };
  if (failureCount > (job.spec.backoffLimit ?? 6)) return { type: "Failed", reason: "BackoffLimitExceeded" };
  if (seen.deadlineInMs === 0) return { type: "Failed", reason: "DeadlineExceeded" };
  return undefined;
}

function millisecondsToDeadline(job: Job, pods: readonly Pod[], nowMs: number): number | undefined {
  if (job.spec.activeDeadlineSeconds === undefined) return undefined;
  const starts = pods.map((pod) => Date.parse(pod.metadata.creationTimestamp ?? "")).filter(Number.isFinite);
  if (starts.length === 0) return undefined;
  return Math.max(0, Math.min(...starts) + job.spec.activeDeadlineSeconds * 1000 - nowMs);
}

function newPods(
  job: Job,
  pods: readonly Pod[],
  wanted: { revision: string; count: number },
): readonly Pod[] {
  const { name, namespace } = job.metadata;
  const taken = new Set(pods.map((pod) => pod.metadata.name));
  const labels = {
    [REVISION_LABEL]: wanted.revision,
    "job-name": name,
    "batch.kubernetes.io/job-name": name,
  };
  const created: Pod[] = [];
  for (let index = 0; created.length < wanted.count; index += 1) {
    const podName = `${name}-${replicaSuffix(`${namespace}/${name}`, wanted.revision, index)}`;
    if (taken.has(podName)) continue;
    const identity = { name: podName, generateName: `${name}-`, owner: ownerReference(job), labels };
    created.push(buildPod(job, job.spec.template, identity));
  }
  return created;
}

function jobStatus(view: View): Readonly<Record<string, unknown>> {
  const { end } = view;
  return {
    active: end === undefined ? view.active.length : 0,
    succeeded: view.succeededCount,
    failed: view.failedCount,
    ...(end === undefined
      ? {}
      : {
          conditions: [
            { type: end.type, status: "True", ...(end.reason === undefined ? {} : { reason: end.reason }) },
          ],
        }),
  };
}
