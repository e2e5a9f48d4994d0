// What a pod may read of itself: fieldRef and resourceFieldRef, for variables and files alike. Pure.

import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { parseQuantity } from "./quantity.ts";

/** What this machine offers a container that sets no limits. */
export interface MachineCapacity {
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

/**
 * The text at `fieldPath`, such as `metadata.labels['app']`; a label that isn't there is empty, as in Kubernetes.
 * Undefined where Kubernetes offers no such field.
 */
export function resolveFieldPath(pod: Pod, fieldPath: string): string | undefined {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const source = subscript[1] === "labels" ? pod.metadata.labels : pod.metadata.annotations;
    return source?.[subscript[2] ?? ""] ?? "";
  }
  return FIELDS[fieldPath]?.(pod);
}

const FIELDS: Readonly<Record<string, (pod: Pod) => string>> = {
  "metadata.name": (pod) => pod.metadata.name,
  "metadata.namespace": (pod) => pod.metadata.namespace,
  "metadata.uid": (pod) => pod.metadata.uid ?? "",
  "metadata.labels": (pod) => mapText(pod.metadata.labels),
  "metadata.annotations": (pod) => mapText(pod.metadata.annotations),
  "spec.nodeName": (pod) => pod.spec.nodeName ?? "local",
  "spec.serviceAccountName": (pod) => pod.spec.serviceAccountName ?? "default",
  "status.hostIP": (pod) => pod.status?.hostIP ?? "",
  "status.hostIPs": (pod) => pod.status?.hostIP ?? "",
  "status.podIP": (pod) => pod.status?.podIP ?? "",
  "status.podIPs": (pod) => pod.status?.podIP ?? "",
};

/** Sorted `key="value"` lines, the form of the downward API's files. */
function mapText(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");
}

export interface ResourceQuery {
  readonly resource: string;
  readonly divisor?: string | number;
}

/** A limit or request divided by the divisor and rounded up; undefined for an unknown resource or a bad quantity. */
export function resolveResource(
  container: Container,
  { resource, divisor = 1 }: ResourceQuery,
  capacity: MachineCapacity,
): string | undefined {
  const [side, name] = resource.split(".");
  if ((side !== "limits" && side !== "requests") || name === undefined) return undefined;
  const declared = container.resources?.[side]?.[name] ?? container.resources?.limits?.[name];
  const amount = declared === undefined ? capacityOf(name, capacity) : parseQuantity(declared);
  const unit = parseQuantity(divisor);
  if (amount === undefined || unit === undefined) return undefined;
  return String(Math.ceil(amount / (unit === 0 ? 1 : unit)));
}

function capacityOf(resourceName: string, capacity: MachineCapacity): number | undefined {
  if (resourceName === "cpu") return capacity.cpuCount;
  if (resourceName === "memory") return capacity.memoryBytes;
  return resourceName === "ephemeral-storage" ? 0 : undefined;
}
