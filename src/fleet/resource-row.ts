// One row of a resource table: a resource in a layer. A proxy's set is several layers read as one, the most
// specific first.

import { structurallyEqual } from "../graph/structural-equality.ts";
import type { Table } from "../graph/table.ts";
import type { Provenance } from "../view/provenance.ts";
import { type BuiltResource, haveEqualVersions } from "./built-resource.ts";

/** A resource in a layer, or the word that this layer has none though the mesh does. */
export type ResourceRow =
  | { readonly kind: "present"; readonly resource: BuiltResource }
  | { readonly kind: "absent" };

export type ResourceTable = Table<ResourceRow>;

export const ABSENT = { kind: "absent" } as const;

export function present(resource: BuiltResource): ResourceRow {
  return { kind: "present", resource };
}

export function equalRows(a: ResourceRow, b: ResourceRow): boolean {
  if (a.kind === "absent" || b.kind === "absent") return a.kind === b.kind;
  return haveEqualVersions(a.resource, b.resource);
}

/** For resources whose bytes don't say what they come from: endpoints, and what an overlay changed. */
export function equalRowsOfEqualSource(a: ResourceRow, b: ResourceRow): boolean {
  return equalRows(a, b) && structurallyEqual(provenanceOf(a), provenanceOf(b));
}

function provenanceOf(row: ResourceRow): Provenance {
  return row.kind === "absent" ? [] : row.resource.provenance;
}
