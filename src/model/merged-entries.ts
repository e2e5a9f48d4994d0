// ServiceEntries of one namespace for one host make one service, as in Istio: the oldest says what the service is, others
// add ports and endpoints to it, unless they say something else of what only the whole service can have.

import type { Graph } from "../graph/graph.ts";
import { structurallyEqual } from "../graph/structural-equality.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { byAge, type MeshService, type MeshServicePort } from "./service.ts";

/** Rows by `namespace/hostname`, as `entries` is. */
export function declareMergedEntries(graph: Graph, entries: Index<MeshService>): Table<MeshService> {
  return graph.derive({
    name: "services of ServiceEntries",
    from: graph.group("ServiceEntries by host", entries),
    rows: (key, members) => [[key, mergeEntries(members.map(([, entry]) => entry))]],
  });
}

function mergeEntries(entries: readonly MeshService[]): MeshService | undefined {
  const [oldest, ...others] = entries.toSorted(byAge);
  if (oldest === undefined || others.length === 0) return oldest;
  const ports = new Map(oldest.ports.map((port) => [port.number, port]));
  const parts = [...oldest.parts];
  for (const entry of others) {
    if (obstacleTo(oldest, entry) !== undefined) continue;
    for (const part of entry.parts) {
      const usable = part.ports.filter((port) => isSamePort(ports.get(port.number) ?? port, port));
      for (const port of usable) if (!ports.has(port.number)) ports.set(port.number, port);
      if (usable.length > 0) parts.push({ ...part, ports: usable });
    }
  }
  return { ...oldest, ports: [...ports.values()], parts };
}

/** Endpoints of several entries serve a port that all of them name alike. */
export function isSamePort(a: MeshServicePort, b: MeshServicePort): boolean {
  return a.name === b.name && a.protocol === b.protocol;
}

/** The field for which a younger entry can't be merged into the oldest. */
export function obstacleTo(oldest: MeshService, { resolution, selector, visibility }: MeshService) {
  if (oldest.resolution !== resolution) return "resolution";
  if (!structurallyEqual(oldest.selector, selector)) return "workloadSelector";
  return structurallyEqual(oldest.visibility, visibility) ? undefined : "exportTo";
}

/** What a younger entry that is merged says to no effect, since the oldest says otherwise. */
export function ignoredFields(oldest: MeshService, entry: MeshService): readonly string[] {
  const fields = {
    location: oldest.isExternal === entry.isExternal,
    addresses: entry.addresses.every((address) => oldest.addresses.includes(address)),
    subjectAltNames: structurallyEqual(oldest.subjectAltNames, entry.subjectAltNames),
  };
  return Object.entries(fields).flatMap(([field, isEqual]) => (isEqual ? [] : [field]));
}
