// What several replicas say of how far an object has reached their proxies, as one answer. Pure.

import type { ProgrammedReport } from "../admin/contract/control-plane.ts";
import type { ProgrammedObject } from "../admin/contract/mesh.ts";
import { mergeReasons } from "../admin/contract/refusal-reasons.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";

export function mergeProgrammed(
  stored: KubernetesObject,
  reports: readonly ProgrammedReport[],
): ProgrammedObject {
  const sum = (countOf: (report: ProgrammedReport) => number) =>
    reports.reduce((total, report) => total + countOf(report), 0);
  const all = (listOf: (report: ProgrammedReport) => readonly string[]) => [
    ...new Set(reports.flatMap(listOf)),
  ];
  return {
    isInForce: reports.every(({ inForce }) => isSame(stored, inForce)),
    proxyCount: sum(({ proxyCount }) => proxyCount),
    acknowledgedCount: sum(({ acknowledgedCount }) => acknowledgedCount),
    awaited: all(({ awaited }) => awaited),
    refusedBy: all(({ refusedBy }) => refusedBy),
    reasons: mergeReasons(reports.flatMap(({ reasons }) => reasons)),
  };
}

/**
 * A control plane keeps the parts of an object that it reads. Objects of Istio's kinds count their changes in
 * metadata.generation; of the others, what it keeps must be as it is stored.
 */
function isSame(stored: KubernetesObject, inForce: KubernetesObject | undefined): boolean {
  if (inForce === undefined) return false;
  const { generation, uid } = inForce.metadata;
  if (generation === undefined || uid === undefined) return isPartOf(inForce, stored);
  return uid === stored.metadata.uid && String(generation) === String(stored.metadata.generation);
}

function isPartOf(part: unknown, whole: unknown): boolean {
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      part.length === whole.length &&
      part.every((item, index) => isPartOf(item, whole[index]))
    );
  }
  if (typeof part !== "object" || part === null) return part === whole;
  if (typeof whole !== "object" || whole === null) return false;
  return Object.entries(part).every(([field, value]) =>
    isPartOf(value, (whole as Readonly<Record<string, unknown>>)[field]),
  );
}
