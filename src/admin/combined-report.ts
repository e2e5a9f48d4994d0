// How far an object has reached the proxies of all replicas: the report of one, and what the others say, as one.

import type { ProgrammedReport } from "./contract/control-plane.ts";
import { mergeReasons } from "./contract/refusal-reasons.ts";

/** What a replica says of its own proxies, with no more of the object than which generation of it is in force there. */
export interface ReplicaReport extends Omit<ProgrammedReport, "inForce"> {
  readonly generation?: number;
}

export interface NamedReport {
  /** The replica's name. */
  readonly replica: string;
  readonly report: ReplicaReport;
}

export function replicaReport({ inForce, ...report }: ProgrammedReport): ReplicaReport {
  const generation = inForce?.metadata.generation;
  return { ...report, ...(generation === undefined ? {} : { generation }) };
}

/**
 * A replica that is at another generation of the object knows nothing of this one: its proxies count as those that
 * don't have it, and the replica is awaited itself.
 */
export function combineReports(own: ProgrammedReport, others: readonly NamedReport[]): ProgrammedReport {
  const wanted = own.inForce?.metadata.generation;
  const all = others.map(({ replica, report }) =>
    report.generation === wanted
      ? report
      : { ...report, acknowledgedCount: 0, awaited: [replica], refusedBy: [], reasons: [] },
  );
  const sum = (first: number, count: (report: ReplicaReport) => number) =>
    all.reduce((total, report) => total + count(report), first);
  return {
    ...own,
    proxyCount: sum(own.proxyCount, ({ proxyCount }) => proxyCount),
    acknowledgedCount: sum(own.acknowledgedCount, ({ acknowledgedCount }) => acknowledgedCount),
    awaited: [...own.awaited, ...all.flatMap(({ awaited }) => awaited)],
    refusedBy: [...own.refusedBy, ...all.flatMap(({ refusedBy }) => refusedBy)],
    // A replica of an older version gives none.
    reasons: mergeReasons([...own.reasons, ...all.flatMap(({ reasons = [] }) => reasons)]),
  };
}
