// What a mesh on one machine makes of workloads, Pods and what they refer to: the pods planned, and what each container
// is to be started with, is asked and finds in its files. Nothing is started.

import { ManualClock } from "../../src/core/clock.ts";
import { objectKey } from "../../src/core/object-key.ts";
import type { ConfigMap } from "../../src/kinds/config-map.ts";
import type { DaemonSet } from "../../src/kinds/daemon-set.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { Deployment } from "../../src/kinds/deployment.ts";
import type { Job } from "../../src/kinds/job.ts";
import type { Container } from "../../src/kinds/pod/container.ts";
import type { Pod } from "../../src/kinds/pod/pod.ts";
import type { Secret } from "../../src/kinds/secret.ts";
import type { Service } from "../../src/kinds/service.ts";
import type { StatefulSet } from "../../src/kinds/stateful-set.ts";
import { resolveLaunch } from "../../src/local/workloads/container-launch.ts";
import { ContainerLog } from "../../src/local/workloads/container-log.ts";
import { buildEndpointSlices } from "../../src/local/workloads/endpoint-slices.ts";
import type { ReferencedObjects } from "../../src/local/workloads/environment.ts";
import { implicitServiceAccounts } from "../../src/local/workloads/implicit-objects.ts";
import { planDaemonSet } from "../../src/local/workloads/plan-daemon-set.ts";
import { planDeployment } from "../../src/local/workloads/plan-deployment.ts";
import { planJob } from "../../src/local/workloads/plan-job.ts";
import { planStatefulSet } from "../../src/local/workloads/plan-stateful-set.ts";
import { machineFiles, type PodFiles } from "../../src/local/workloads/pod-files.ts";
import { askProbe, runHookAction } from "../../src/local/workloads/pod-questions.ts";
import { PodVolumes } from "../../src/local/workloads/pod-volumes.ts";
import { probeTiming } from "../../src/local/workloads/probe-state.ts";
import type { WorkloadPlan } from "../../src/local/workloads/workload-plan.ts";
import { bareSurroundings } from "../support/bare-sandbox-fixture.ts";
import type { Outcome, Stage } from "./toggle-fields.ts";

export function localScene(): Stage {
  return { outcomeOf, close: () => undefined };
}

async function outcomeOf(objects: readonly KubernetesObject[]): Promise<Outcome> {
  const outcome = new Map<string, string>();
  for (const object of objects) {
    const tell = (what: string, value: unknown) =>
      outcome.set(`${object.kind} ${object.metadata.name}: ${what}`, JSON.stringify(value));
    if (object.kind in planners) {
      tell("plan from nothing", planOf(object, []));
      tell("plan from former pods", planOf(object, formerPods(object)));
    }
    if (object.kind === "Pod") await tellPod(object as unknown as Pod, objects, tell);
  }
  return outcome;
}

const NOW_MS = Date.parse("2026-01-01T00:01:00Z");

const planners: Readonly<
  Record<string, (workload: never, pods: readonly Pod[], nowMs: number) => WorkloadPlan>
> = {
  Deployment: (workload: Deployment, ...rest) => planDeployment(workload, ...rest),
  StatefulSet: (workload: StatefulSet, ...rest) => planStatefulSet(workload, ...rest),
  DaemonSet: (workload: DaemonSet, ...rest) => planDaemonSet(workload, ...rest),
  Job: (workload: Job, ...rest) => planJob(workload, ...rest),
};

function planOf(workload: KubernetesObject, pods: readonly Pod[]): WorkloadPlan | undefined {
  return planners[workload.kind]?.(workload as never, pods, NOW_MS);
}

/** Four pods of the workload as it was: with another image but for a Job's, two of which have ended. */
function formerPods(workload: KubernetesObject): readonly Pod[] {
  const { template } = workload.spec as { readonly template: { readonly spec: Pod["spec"] } };
  const containers = template.spec.containers.map((container) => ({ ...container, image: "former" }));
  const isJob = workload.kind === "Job";
  const former = { ...template, spec: { ...template.spec, ...(isJob ? {} : { containers }) } };
  const spec = {
    template: former,
    replicas: 4,
    completions: 9,
    parallelism: 4,
    podManagementPolicy: "Parallel",
  };
  const { create } = planOf({ ...workload, spec }, []) ?? { create: [] };
  return create.map((pod, index) => ({
    ...pod,
    metadata: { ...pod.metadata, creationTimestamp: "2026-01-01T00:00:50Z" },
    status: {
      phase: isJob && index < 2 ? (["Failed", "Succeeded"][index] ?? "") : "Running",
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:50Z" }],
    },
  }));
}

type Tell = (what: string, value: unknown) => void;

async function tellPod(pod: Pod, objects: readonly KubernetesObject[], tell: Tell): Promise<void> {
  const events: string[] = [];
  const files: string[] = [];
  const runtime = {
    ...bareSurroundings("/work-of-pods", { events, log: new ContainerLog() }),
    images: () => new Map(["some", "other"].map((image) => [image, { command: ["sh", image] }])),
    objects: referenced(objects),
    user: { uid: 1000, gid: 1000, replacesRoot: false, home: "/home", path: process.env.PATH ?? "" },
    fileSystem: recordedFiles(files),
    onProblem: (_pod: Pod, place: string, problem: unknown) => {
      if (problem !== undefined) events.push(`${place}: ${JSON.stringify(problem)}`);
    },
  };
  const volumes = new PodVolumes({
    pod,
    objects: runtime.objects,
    clock: new ManualClock(NOW_MS),
    fileSystem: runtime.fileSystem,
    directory: "/volumes",
    defaultUser: runtime.user,
    issueToken: async (request) => `token ${JSON.stringify(request)}`,
    onProblem: (place, problem) => runtime.onProblem(pod, place, problem),
  });
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    const of = (what: string) => `${what} of ${container.name}`;
    tell(of("start"), await resolveLaunch({ pod, volumes, runtime }, container));
    await tellQuestions(container, (what, value) => tell(of(what), value));
  }
  tell("files", files);
  tell("problems", events);
  tell(
    "ServiceAccounts",
    implicitServiceAccounts([pod as unknown as KubernetesObject], () => undefined),
  );
  const services = objects.filter(({ kind }) => kind === "Service") as unknown as readonly Service[];
  tell(
    "endpoints",
    services.map((service) => buildEndpointSlices(service, [pod])),
  );
}

/** Probes and hooks whose questions go to the container itself: what goes out by the network has tests of its own. */
async function tellQuestions(container: Container, tell: Tell): Promise<void> {
  const clock = new ManualClock(NOW_MS);
  const asked: unknown[] = [];
  const exec = async (argv: readonly string[], timeoutMs: number) => {
    asked.push({ argv, timeoutMs });
    return { isSuccess: true, message: "" };
  };
  for (const kind of ["startup", "readiness", "liveness"] as const) {
    const probe = container[`${kind}Probe`];
    if (probe === undefined) continue;
    tell(`${kind} timing`, probeTiming(probe));
    if (probe.exec !== undefined) await askProbe({ container, kind, probe, ip: "", exec });
  }
  for (const hook of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (hook === undefined || (hook.exec === undefined && hook.sleep === undefined)) continue;
    const dial = () => Promise.reject(new Error("nothing is dialled here"));
    const done = runHookAction(hook, { clock, exec, dial, graceMs: 9_000 });
    for (let seconds = 0; hook.sleep !== undefined && seconds < hook.sleep.seconds; seconds++) {
      clock.advance(1_000);
      asked.push("a second passed");
    }
    asked.push(await done);
  }
  tell("questions", asked);
}

function referenced(objects: readonly KubernetesObject[]): ReferencedObjects {
  const found = (kind: string, namespace: string, name: string): unknown =>
    objects.find((each) => keyOf(each) === objectKey({ kind, namespace, name }));
  return {
    capacity: { cpuCount: 2, memoryBytes: 4 * 2 ** 30 },
    configMap: (namespace, name) => found("ConfigMap", namespace, name) as ConfigMap | undefined,
    secret: (namespace, name) => found("Secret", namespace, name) as Secret | undefined,
    services: (namespace) =>
      objects.filter(
        ({ kind, metadata }) => kind === "Service" && metadata.namespace === namespace,
      ) as unknown as readonly Service[],
  };
}

function keyOf({ kind, metadata: { namespace = "", name } }: KubernetesObject): string {
  return objectKey({ kind, namespace, name });
}

/** Takes down what would be written. */
function recordedFiles(files: string[]): PodFiles {
  const note = (...words: readonly unknown[]) => {
    files.push(words.map((word) => (word instanceof Uint8Array ? Buffer.from(word) : word)).join(" "));
    return Promise.resolve();
  };
  const recorded = {
    mkdir: () => Promise.resolve(),
    rm: () => Promise.resolve(),
    rename: () => Promise.resolve(),
    readdir: () => Promise.resolve([]),
    readlink: () => Promise.reject(Object.assign(new Error("no version yet"), { code: "ENOENT" })),
    writeFile: (path: unknown, content: unknown) => note("write", path, content),
    chmod: (path: unknown, mode: unknown) => note("chmod", path, mode),
    chown: (path: unknown, uid: unknown, gid: unknown) => note("chown", path, uid, gid),
    symlink: (target: unknown, path: unknown) => note("link", path, target),
  };
  return { ...machineFiles, ...recorded } as unknown as PodFiles;
}
