// A pod of a cluster in the words of the admin's contract, as a local mesh says it of its own. Pure.

import type { ContainerReport, PodReport, WorkloadName } from "../admin/contract/supervisor.ts";
import type { ContainerStatus, Pod } from "../kinds/pod/pod.ts";

const PROXY = "istio-proxy";

/** As the API server has it; fields may be there that the kind doesn't know. */
export function buildPodReport(pod: Pod): PodReport {
  const { metadata, status } = pod;
  const startedAtMs = Date.parse(status?.startTime ?? "");
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    workload: workloadOf(pod),
    phase: metadata.deletionTimestamp === undefined ? (status?.phase ?? "Pending") : "Terminating",
    ...(status?.podIP === undefined ? {} : { ip: status.podIP }),
    ...(Number.isNaN(startedAtMs) ? {} : { startedAtMs }),
    containers: statuses.map((each) => buildContainerReport(pod, each)),
  };
}

/** Of the applications: the proxy where it is all that the pod has, as a gateway. */
export function applicationContainers({ metadata, spec }: Pod): readonly string[] {
  const names = spec.containers.map(({ name }) => name);
  const applications = names.filter((name) => name !== PROXY);
  const chosen = metadata.annotations?.["kubectl.kubernetes.io/default-container"];
  if (applications.length === 0) return names;
  if (chosen === undefined || !applications.includes(chosen)) return applications;
  return [chosen, ...applications.filter((name) => name !== chosen)];
}

function buildContainerReport(pod: Pod, status: ContainerStatus): ContainerReport {
  return {
    name: status.name,
    role: roleOf(pod, status.name),
    isReady: status.ready === true,
    restartCount: status.restartCount ?? 0,
    state: stateText(status.state),
  };
}

function roleOf({ spec }: Pod, name: string): ContainerReport["role"] {
  if (name === PROXY) return "proxy";
  const init = spec.initContainers?.find((container) => container.name === name);
  // One that restarts runs beside the applications, as one of them.
  return init === undefined || init.restartPolicy === "Always" ? "app" : "init";
}

interface StateShape {
  readonly waiting?: { readonly reason?: string };
  readonly running?: object;
  readonly terminated?: { readonly reason?: string };
}

function stateText(state: unknown): string {
  const { waiting, running, terminated } = (state ?? {}) as StateShape;
  if (running !== undefined) return "Running";
  return waiting?.reason ?? terminated?.reason ?? "Waiting";
}

function workloadOf({ metadata }: Pod): WorkloadName {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return { kind: "Pod", name: metadata.name };
  const hash = metadata.labels?.["pod-template-hash"];
  const isDeployments = owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`);
  if (!isDeployments) return { kind: owner.kind, name: owner.name };
  return { kind: "Deployment", name: owner.name.slice(0, -hash.length - 1) };
}
