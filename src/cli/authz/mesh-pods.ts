// Pods of a mesh as verdicts need them: who they run as, where they are, and whether a proxy stands before them.

import type { Mesh } from "../../admin/contract/mesh.ts";
import type { PodReport } from "../../admin/contract/supervisor.ts";
import { matchesLabels } from "../../core/label-selector.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import { findPods } from "../workload-argument.ts";

export interface MeshPods {
  /** Those that run. */
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  /** Of all pods, as commands find them by name. */
  readonly reports: readonly PodReport[];
}

export async function readMeshPods(mesh: Mesh): Promise<MeshPods> {
  const [{ podKind }, { serviceKind }] = await Promise.all([
    import("../../kinds/pod/pod.ts"),
    import("../../kinds/service.ts"),
  ]);
  const [pods, services, reports] = await Promise.all([
    mesh.objects(podKind),
    mesh.objects(serviceKind),
    mesh.pods(),
  ]);
  return {
    pods: (pods as readonly Pod[]).filter(isRunning),
    services: services as readonly Service[],
    reports,
  };
}

function isRunning({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase === "Running";
}

/** The running ones of a WORKLOAD, perhaps none; fails where there is no such workload. */
export function findPodObjects(
  { pods, reports }: MeshPods,
  text: string,
  namespace: string | undefined,
): readonly Pod[] {
  const found = new Set(findPods(reports, text, namespace).map((each) => `${each.namespace}/${each.name}`));
  return pods.filter(({ metadata }) => found.has(`${metadata.namespace}/${metadata.name}`));
}

const PROXY = "istio-proxy";

export function hasProxy({ spec }: Pod): boolean {
  return [...(spec.initContainers ?? []), ...spec.containers].some(({ name }) => name === PROXY);
}

/** By the words that its proxy is started with: it takes calls from outside, and none of an application. */
export function isGateway({ spec }: Pod): boolean {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return containers.some(({ command = [], args = [] }) => {
    const words = [...command, ...args];
    return words.some((word, at) => word === "proxy" && words[at + 1] === "router");
  });
}

export function serviceAccountOf({ spec }: Pod): string {
  return spec.serviceAccountName ?? spec.serviceAccount ?? "default";
}

/** None where the Service selects none itself. */
export function podsBehind({ metadata, spec }: Service, pods: readonly Pod[]): readonly Pod[] {
  const selector = spec?.selector ?? {};
  if (Object.keys(selector).length === 0) return [];
  return pods.filter(
    (pod) => pod.metadata.namespace === metadata.namespace && matchesLabels(selector, pod.metadata.labels),
  );
}

type ServicePort = NonNullable<NonNullable<Service["spec"]>["ports"]>[number];

/** The pod's own port behind a Service's; undefined where the pod has none of that name. */
export function podPort({ port, targetPort }: ServicePort, pod: Pod): number | undefined {
  if (targetPort === undefined || targetPort === "") return port;
  if (/^\d+$/.test(String(targetPort))) return Number(targetPort);
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const ports = containers.flatMap(({ ports = [] }) => ports);
  return ports.find(({ name }) => name === targetPort)?.containerPort;
}
