// A pod of a cluster in the words of the admin's contract, as a local mesh says it of its own. Pure.

import type { ContainerReport, PodReport, WorkloadName } from "../admin/contract/supervisor.ts";
import { containerStateText } from "../kinds/pod/container-state.ts";
import { controllingWorkload } from "../kinds/pod/controlling-workload.ts";
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
    state: containerStateText(status.state),
  };
}

function roleOf({ spec }: Pod, name: string): ContainerReport["role"] {
  if (name === PROXY) return "proxy";
  const init = spec.initContainers?.find((container) => container.name === name);
  // One that restarts runs beside the applications, as one of them.
  return init === undefined || init.restartPolicy === "Always" ? "app" : "init";
}

function workloadOf({ metadata }: Pod): WorkloadName {
  const { kind, name } = controllingWorkload(metadata) ?? { kind: "Pod", name: metadata.name };
  return { kind, name };
}
