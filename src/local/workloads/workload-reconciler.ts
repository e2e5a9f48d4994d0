// The controllers' loop over the store: what is declared becomes pods, namespaces, service addresses and
// EndpointSlices. It decides by pure plans and writes only what differs.

import type { Clock } from "../../core/clock.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey, parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { DaemonSet } from "../../kinds/daemon-set.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { Deployment } from "../../kinds/deployment.ts";
import type { EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Job } from "../../kinds/job.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import type { StatefulSet } from "../../kinds/stateful-set.ts";
import { timestamp } from "./container-state.ts";
import { EndpointSliceMemo } from "./endpoint-slice-memo.ts";
import { MANAGED_BY, MANAGED_BY_LABEL } from "./endpoint-slices.ts";
import { implicitNamespaces, implicitServiceAccounts } from "./implicit-objects.ts";
import { planDaemonSet } from "./plan-daemon-set.ts";
import { planDeployment } from "./plan-deployment.ts";
import { planJob } from "./plan-job.ts";
import { planPod } from "./plan-pod.ts";
import { planStatefulSet } from "./plan-stateful-set.ts";
import { isTerminating } from "./pod-condition.ts";
import { stableJson } from "./template-hash.ts";
import type { WorkloadPlan } from "./workload-plan.ts";
import { earliestMs, MAX_PODS_OF_WORKLOAD } from "./workload-plan.ts";
import type { WorkloadStore } from "./workload-store.ts";
import { keyOfObject } from "./workload-store.ts";

export interface WorkloadReconcilerOptions {
  readonly store: WorkloadStore;
  readonly clock: Clock;
  /** The pod as the webhook would leave it; undefined, with problems told, where it must not start. */
  readonly inject: (pod: Pod) => { readonly pod?: Pod; readonly problems: readonly Problem[] };
  /** The address of a Service, the one that its spec asks for if it may. */
  readonly allocateVip: (service: Service) => { readonly ip?: string; readonly problem?: Problem };
  readonly releaseVip: (key: ObjectKey) => void;
  /** All problems of the objects as they are now. */
  readonly onProblems: (problems: readonly Problem[]) => void;
}

// Changes come in bursts (a pod's start writes its status several times).
const SETTLE_MS = 5;

export class WorkloadReconciler {
  readonly #options: WorkloadReconcilerOptions;
  readonly #declaredPods = new Map<ObjectKey, Pod>();
  /** Services that have an address of ours. */
  readonly #leased = new Set<ObjectKey>();
  readonly #slices = new EndpointSliceMemo();
  readonly #endWatch: () => void;
  #cancelPass: (() => void) | undefined;
  #cancelRecheck: (() => void) | undefined;
  #isClosed = false;

  constructor(options: WorkloadReconcilerOptions) {
    this.#options = options;
    this.#endWatch = options.store.watch((changes) => {
      if (areRead(changes.keys())) this.#schedule();
    });
    this.#schedule();
  }

  /** Pods that the user declared himself; undefined withdraws one. */
  declarePod(key: ObjectKey, pod: Pod | undefined): void {
    if (pod === undefined) this.#declaredPods.delete(key);
    else this.#declaredPods.set(key, pod);
    this.#schedule();
  }

  /** One pass, now, if it could come to anything else than the last one. */
  reconcileAfter(changedKeys: Iterable<ObjectKey>): void {
    if (areRead(changedKeys)) this.#reconcile();
  }

  #reconcile(): void {
    if (this.#isClosed) return;
    this.#cancelPass?.();
    this.#cancelPass = undefined;
    const problems: Problem[] = [];
    problems.push(...this.#completeNames());
    problems.push(...this.#addressServices());
    problems.push(...this.#runWorkloads());
    this.#publishEndpoints();
    this.#options.onProblems(problems);
  }

  close(): void {
    this.#isClosed = true;
    this.#endWatch();
    this.#cancelPass?.();
    this.#cancelRecheck?.();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#cancelPass ??= this.#options.clock.after(SETTLE_MS, () => this.#reconcile());
  }

  #completeNames(): readonly Problem[] {
    const { store } = this.#options;
    const declared = [...WORKLOAD_KINDS, "Service"].flatMap((kind) => store.list(kind));
    const objects = [...declared, ...this.#declaredPods.values()];
    const namespaces = implicitNamespaces(objects, (name) =>
      store.get(objectKey({ kind: "Namespace", namespace: "", name })),
    );
    this.#write(namespaces.objects);
    const accounts = implicitServiceAccounts(objects, (key) => store.get(key));
    this.#write(accounts.objects);
    return [...namespaces.problems, ...accounts.problems];
  }

  #addressServices(): readonly Problem[] {
    const { store, allocateVip, releaseVip } = this.#options;
    const services = store.list("Service") as readonly Service[];
    const problems: Problem[] = [];
    const present = new Set<ObjectKey>();
    for (const service of services) {
      if (service.spec?.type === "ExternalName" || service.spec?.clusterIP === "None") continue;
      const key = keyOfObject(service);
      present.add(key);
      const { ip, problem } = allocateVip(service);
      if (problem !== undefined) problems.push(problem);
      if (ip === undefined || service.spec?.clusterIP === ip) continue;
      this.#write([{ ...service, spec: { ...service.spec, clusterIP: ip, clusterIPs: [ip] } }]);
    }
    for (const key of this.#leased) if (!present.has(key)) releaseVip(key);
    this.#leased.clear();
    for (const key of present) this.#leased.add(key);
    return problems;
  }

  #runWorkloads(): readonly Problem[] {
    const pods = this.#options.store.list("Pod") as readonly Pod[];
    const { podsByOwner, orphans } = this.#assignPods(pods);
    const problems: Problem[] = [];
    const recheckTimes: (number | undefined)[] = [];
    for (const object of this.#workloads()) {
      const plan = planWorkload(
        object,
        podsByOwner.get(keyOfObject(object)) ?? [],
        this.#options.clock.now(),
      );
      problems.push(...tooManyPods(object), ...this.#enact(plan));
      recheckTimes.push(plan.recheckAfterMs);
      this.#writeStatus(object, plan.status);
    }
    for (const [key, declared] of this.#declaredPods) {
      const running = pods.find((pod) => keyOfObject(pod) === key);
      problems.push(...this.#enact(planPod(declared, running)));
    }
    this.#markRemoved(orphans);
    this.#recheckIn(earliestMs(recheckTimes));
    return problems;
  }

  #workloads(): readonly KubernetesObject[] {
    return WORKLOAD_KINDS.flatMap((kind) => this.#options.store.list(kind));
  }

  #assignPods(pods: readonly Pod[]) {
    const podsByOwner = new Map<ObjectKey, Pod[]>();
    const orphans: Pod[] = [];
    const owners = new Set(this.#workloads().map(keyOfObject));
    for (const pod of pods) {
      const key = ownerKey(pod);
      if (key === undefined ? !this.#declaredPods.has(keyOfObject(pod)) : !owners.has(key)) orphans.push(pod);
      else if (key !== undefined) podsByOwner.set(key, [...(podsByOwner.get(key) ?? []), pod]);
    }
    return { podsByOwner, orphans };
  }

  #enact({ create, remove }: Pick<WorkloadPlan, "create" | "remove">): readonly Problem[] {
    const problems: Problem[] = [];
    for (const pod of create) {
      const injection = this.#options.inject(withServiceAccount(pod));
      problems.push(...injection.problems);
      if (injection.pod === undefined) continue;
      const creationTimestamp = timestamp(this.#options.clock.now());
      this.#write([{ ...injection.pod, metadata: { ...injection.pod.metadata, creationTimestamp } }]);
    }
    this.#markRemoved(remove);
    return problems;
  }

  /** kubelet ends the pod and deletes the object. */
  #markRemoved(pods: readonly Pod[]): void {
    const deletionTimestamp = timestamp(this.#options.clock.now());
    const leaving = pods.filter((pod) => !isTerminating(pod));
    this.#write(leaving.map((pod) => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp } })));
  }

  #writeStatus(object: KubernetesObject, status: Readonly<Record<string, unknown>>): void {
    if (stableJson(object.status ?? {}) !== stableJson(status)) this.#write([{ ...object, status }]);
  }

  #publishEndpoints(): void {
    const { store } = this.#options;
    const pods = store.list("Pod") as readonly Pod[];
    const services = store.list("Service") as readonly Service[];
    const wanted = new Map(
      services
        .flatMap((service) => this.#slices.slicesOf(service, pods))
        .map((one) => [keyOfObject(one), one]),
    );
    const published = (store.list("EndpointSlice") as readonly EndpointSlice[]).filter(
      (slice) => slice.metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY,
    );
    const gone = published.map(keyOfObject).filter((key) => !wanted.has(key));
    const publishedByKey = new Map(published.map((slice) => [keyOfObject(slice), slice]));
    this.#write(
      [...wanted.entries()].flatMap(([key, slice]) =>
        this.#slices.isPublished(publishedByKey.get(key), slice) ? [] : [slice],
      ),
    );
    if (gone.length > 0) store.delete(gone);
  }

  #write(objects: readonly KubernetesObject[]): void {
    if (objects.length > 0) this.#options.store.apply(objects);
  }

  #recheckIn(delayMs: number | undefined): void {
    this.#cancelRecheck?.();
    this.#cancelRecheck =
      delayMs === undefined ? undefined : this.#options.clock.after(delayMs, () => this.#reconcile());
  }
}

const WORKLOAD_KINDS = ["Deployment", "StatefulSet", "DaemonSet", "Job"] as const;

/** What a pass reads, with what injection does. */
const READ_KINDS: ReadonlySet<string> = new Set([
  ...WORKLOAD_KINDS,
  ...["Service", "Pod", "EndpointSlice", "Namespace", "ServiceAccount", "MeshConfig"],
]);

function areRead(keys: Iterable<ObjectKey>): boolean {
  return [...keys].some((key) => READ_KINDS.has(parseObjectKey(key).kind));
}

function tooManyPods(object: KubernetesObject): readonly Problem[] {
  const { replicas, parallelism } = (object.spec ?? {}) as { replicas?: number; parallelism?: number };
  const wanted = replicas ?? parallelism ?? 0;
  if (wanted <= MAX_PODS_OF_WORKLOAD) return [];
  const found = problem("MLT3123", {
    object: keyOfObject(object),
    path: replicas === undefined ? "spec.parallelism" : "spec.replicas",
    message: `Cannot run ${wanted} pods of ${object.kind} "${object.metadata.name}": this machine runs at most ${MAX_PODS_OF_WORKLOAD} of a workload`,
  });
  return [found];
}

function planWorkload(object: KubernetesObject, pods: readonly Pod[], nowMs: number): WorkloadPlan {
  // What is in the store was checked against its kind's schema when it was loaded.
  const workload: unknown = object;
  switch (object.kind) {
    case "Deployment":
      return planDeployment(workload as Deployment, pods, nowMs);
    case "StatefulSet":
      return planStatefulSet(workload as StatefulSet, pods, nowMs);
    case "DaemonSet":
      return planDaemonSet(workload as DaemonSet, pods, nowMs);
    case "Job":
      return planJob(workload as Job, pods, nowMs);
    default:
      throw new Error(`No controller for kind ${object.kind}`);
  }
}

/** As the API server defaults it, so that injection, identity and fieldRef say the same. */
function withServiceAccount(pod: Pod): Pod {
  const serviceAccountName = pod.spec.serviceAccountName ?? pod.spec.serviceAccount ?? "default";
  return { ...pod, spec: { ...pod.spec, serviceAccountName } };
}

/** The workload that a pod belongs to: the Deployment behind its ReplicaSet, which exists in name only. */
function ownerKey(pod: Pod): ObjectKey | undefined {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner === undefined) return undefined;
  const { namespace } = pod.metadata;
  if (owner.kind !== "ReplicaSet") return objectKey({ kind: owner.kind, namespace, name: owner.name });
  return objectKey({ kind: "Deployment", namespace, name: owner.name.replace(/-[^-]*$/, "") });
}
