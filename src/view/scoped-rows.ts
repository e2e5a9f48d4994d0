// Layers of rows: those of the mesh, and over them those of a client scope where they differ.

import type { Read } from "../graph/read.ts";
import { structurallyEqual } from "../graph/structural-equality.ts";
import { isVisibleTo, type Visibility } from "../model/visibility.ts";
import { type ClientScope, type ClientScopes, MESH_SCOPE } from "./client-scope.ts";

/** `absent`: the mesh has such a row, this scope has none. */
export type Scoped<T> = { readonly kind: "present"; readonly inputs: T } | { readonly kind: "absent" };

const ABSENT = { kind: "absent" } as const;

/** The key of a row in a layer. Ids of scopes hold no bar; names may. */
export function layerKey(layer: string, name: string): string {
  return `${layer}|${name}`;
}

/** What `layerKey` put together. */
export function splitLayerKey(key: string): { readonly layer: string; readonly name: string } {
  const bar = key.indexOf("|");
  return { layer: key.slice(0, bar), name: key.slice(bar + 1) };
}

export interface ScopeQuestion<T> {
  readonly read: Read;
  readonly scopes: ClientScopes;
  readonly visibility: Visibility;
  /** Some rule may give clients different answers; only then are the scopes asked one by one. */
  readonly isClientDependent: boolean;
  readonly build: (client: ClientScope) => ReadonlyMap<string, T>;
}

/** The mesh's rows, then for each scope that differs, its differences. */
export function* scopedRows<T>({
  read,
  scopes,
  visibility,
  isClientDependent,
  build,
}: ScopeQuestion<T>): Iterable<readonly [string, Scoped<T>]> {
  const isPublic = visibility === "public";
  const mesh = isPublic ? build(MESH_SCOPE) : new Map<string, T>();
  for (const [name, inputs] of mesh) yield [layerKey(MESH_SCOPE.id, name), { kind: "present", inputs }];
  if (isPublic && !isClientDependent) return;
  for (const [, scope] of read.all(scopes.table)) {
    if (!isVisibleTo(visibility, scope.namespace)) continue;
    const own = build(scope);
    for (const [name, inputs] of own) {
      if (!structurallyEqual(mesh.get(name), inputs))
        yield [layerKey(scope.id, name), { kind: "present", inputs }];
    }
    for (const name of mesh.keys()) {
      if (!own.has(name)) yield [layerKey(scope.id, name), ABSENT];
    }
  }
}
