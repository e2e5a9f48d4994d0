// Pods as the admin interface reports them: from the objects' status and what runs.

import type { ContainerReport, PodReport } from "../../admin/contract/supervisor.ts";
import { containerStateText } from "../../kinds/pod/container-state.ts";
import type { ContainerStatus, Pod } from "../../kinds/pod/pod.ts";
import { isTerminating } from "../workloads/pod-condition.ts";
import { workloadOf } from "./declared-problem.ts";
import { residentBytes, residentTreeBytes } from "./process-memory.ts";

/** `pids` by container, of those that run. */
export function buildPodReport(pod: Pod, pids: ReadonlyMap<string, number>): PodReport {
  const { status } = pod;
  const startedAtMs = Date.parse(status?.startTime ?? "");
  const init = status?.initContainerStatuses ?? [];
  const running = status?.containerStatuses ?? [];
  return {
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    workload: workloadOf(pod),
    phase: isTerminating(pod) ? "Terminating" : (status?.phase ?? "Pending"),
    ...(status?.podIP === undefined ? {} : { ip: status.podIP }),
    ...(Number.isNaN(startedAtMs) ? {} : { startedAtMs }),
    containers: [
      ...init.map((one) => buildContainerReport(one, one.name === "istio-proxy" ? "proxy" : "init", pids)),
      ...running.map((one) => buildContainerReport(one, one.name === "istio-proxy" ? "proxy" : "app", pids)),
    ],
  };
}

function buildContainerReport(
  status: ContainerStatus,
  role: ContainerReport["role"],
  pids: ReadonlyMap<string, number>,
): ContainerReport {
  const pid = pids.get(status.name);
  return {
    name: status.name,
    role,
    isReady: status.ready === true,
    restartCount: status.restartCount ?? 0,
    state: containerStateText(status.state),
    ...(pid === undefined
      ? {}
      : { pid, memoryBytes: role === "proxy" ? residentBytes(pid) : residentTreeBytes(pid) }),
  };
}
