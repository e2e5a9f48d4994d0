// Pods and the mesh's own processes as tables.

import type { ContainerReport, PodReport, ProcessReport } from "../admin/contract/supervisor.ts";
import { formatAge, formatBytes, renderTable } from "./table.ts";

const titles = ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"];

export function podTable(
  pods: readonly PodReport[],
  { isWide, nowMs }: { readonly isWide: boolean; readonly nowMs: number },
): string {
  if (pods.length === 0) return "No pods\n";
  const rows = [...pods].sort(byPlace).map((pod) => {
    const running = pod.containers.filter(({ role }) => role !== "init");
    const ready = running.filter(({ isReady }) => isReady).length;
    const restarts = pod.containers.reduce((sum, { restartCount }) => sum + restartCount, 0);
    const age = pod.startedAtMs === undefined ? undefined : formatAge(nowMs - pod.startedAtMs);
    const row = [pod.namespace, pod.name, `${ready}/${running.length}`, statusOf(pod), `${restarts}`, age];
    return isWide ? [...row, pod.ip, memoryOf(running, "app"), memoryOf(running, "proxy")] : row;
  });
  return renderTable(isWide ? [...titles, "IP", "APP MEMORY", "ENVOY MEMORY"] : titles, rows);
}

export function processTable(processes: readonly ProcessReport[]): string {
  const rows = processes.map(({ name, pid, memoryBytes }) => [name, `${pid}`, formatBytes(memoryBytes)]);
  return renderTable(["PROCESS", "PID", "MEMORY"], rows);
}

/** The first container that isn't as it should be says more than the phase. */
function statusOf({ phase, containers }: PodReport): string {
  const usual = ["Running", "Completed", "Waiting", "PodInitializing"];
  return containers.find(({ state }) => !usual.includes(state))?.state ?? phase;
}

function memoryOf(containers: readonly ContainerReport[], role: ContainerReport["role"]): string | undefined {
  const known = containers.flatMap((each) =>
    each.role === role && each.memoryBytes !== undefined ? [each.memoryBytes] : [],
  );
  return known.length === 0 ? undefined : formatBytes(known.reduce((sum, bytes) => sum + bytes, 0));
}

function byPlace(one: PodReport, other: PodReport): number {
  return one.namespace.localeCompare(other.namespace) || one.name.localeCompare(other.name);
}
