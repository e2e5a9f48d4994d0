// What a control plane in a cluster knows of each of Istio's objects, for their status, and who must be told of changes.

import { reasonsText } from "../../admin/contract/refusal-reasons.ts";
import { type ObjectStatusOptions, startObjectStatus } from "../../controllers/object-status.ts";
import type { HostAddress, ObjectFacts } from "../../controllers/status-conditions.ts";
import { canonicalHostname } from "../../core/hostname.ts";
import { type ObjectKey, parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { SourceTable } from "../../graph/table.ts";
import { kindsWithRole } from "../../kinds/all-kinds.ts";
import { isMeshKind, type KubernetesObject } from "../../kinds/define-kind.ts";
import { serviceKey } from "../../model/service.ts";
import { keyOf, rowKey } from "../../model/sources.ts";
import type { ControlPlane } from "../create-control-plane.ts";
import { rowFailureProblems } from "../row-failures.ts";
import type { FleetReports } from "./fleet-reports.ts";

export interface ObjectChanges {
  tell(keys: readonly ObjectKey[]): void;
  /** Returns what ends it. */
  watch(listener: (key: ObjectKey) => void): () => void;
}

export function createObjectChanges(): ObjectChanges {
  const listeners = new Set<(key: ObjectKey) => void>();
  return {
    tell: (keys) => {
      for (const listener of listeners) for (const key of keys) listener(key);
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Whose status says what became of them. */
const statusKinds: ReadonlySet<string> = new Set(
  kindsWithRole("modeled")
    .filter((kind) => isMeshKind(kind) && kind.scope !== "Pseudo")
    .map(({ kind }) => kind),
);

interface KnownObjects {
  readonly plane: ControlPlane;
  readonly reports: FleetReports;
  /** As they were found when the objects were read. */
  readonly problemsByObject: ReadonlyMap<ObjectKey, readonly Problem[]>;
  readonly changes: ObjectChanges;
}

/** Works until the returned function is called. */
export function startPlaneStatus(
  known: KnownObjects,
  options: Omit<ObjectStatusOptions, "keys" | "news" | "factsOf">,
): () => void {
  const writer = startObjectStatus({
    ...options,
    keys: () => keysOf(known),
    news: () => known.reports.news(),
    factsOf: (key) => factsOf(known, key),
  });
  const endWatch = known.changes.watch((key) => writer.touch(key));
  return () => {
    endWatch();
    writer.close();
  };
}

function keysOf({ plane, problemsByObject }: KnownObjects): Iterable<ObjectKey> {
  const tables = Object.entries(plane.sources).flatMap(([kind, table]) =>
    statusKinds.has(kind) ? [table as SourceTable<KubernetesObject>] : [],
  );
  const keys = tables.flatMap((table) => [...table.entries()].map(([, object]) => keyOf(object)));
  return new Set([...keys, ...problemsByObject.keys()]);
}

async function factsOf(
  { plane, problemsByObject, reports }: KnownObjects,
  key: ObjectKey,
): Promise<ObjectFacts | undefined> {
  if (!reports.writesStatusOf(key)) return undefined;
  const { find, problems } = plane;
  const object = find(key);
  const ownProblems = problemsByObject.get(key) ?? [];
  if (object === undefined && ownProblems.length === 0) return undefined;
  // In force, if at all, is an earlier version, or what closes the workloads of a policy.
  const isWrong = ownProblems.some(({ severity }) => severity === "error");
  const { proxyCount, acknowledgedCount, refusedBy, reasons } = await reports.programmed(key);
  // Meanwhile there may be another one, of which the reports don't speak.
  if (find(key) !== object) return undefined;
  return {
    ...(isWrong || object?.metadata.generation === undefined
      ? {}
      : { generation: Number(object.metadata.generation) }),
    isInForce: !isWrong,
    problems: [...ownProblems, ...(problems.get(key) ?? []), ...failuresOf(plane, key)],
    proxyCount,
    acknowledgedCount,
    refusedCount: refusedBy.length,
    reasons: reasonsText(reasons),
    ...(object?.kind === "ServiceEntry" ? { addresses: automaticAddressesOf(plane, key) } : {}),
  };
}

function failuresOf({ graph }: ControlPlane, key: ObjectKey): readonly Problem[] {
  return rowFailureProblems(graph.failures()).filter(({ object }) => object === key);
}

/** What DNS says of a ServiceEntry's hosts that have no address of their own, in the order of the hosts' names. */
function automaticAddressesOf({ model, sources }: ControlPlane, key: ObjectKey): readonly HostAddress[] {
  const { namespace, name } = parseObjectKey(key);
  const hosts = sources.ServiceEntry.get(rowKey(namespace, name))?.spec.hosts ?? [];
  return [...new Set(hosts)].sort().flatMap((host) => {
    const service = model.services.get(serviceKey({ namespace, hostname: canonicalHostname(host) }));
    const value = service?.automaticAddress;
    return service?.object !== key || value === undefined ? [] : [{ value, host }];
  });
}
