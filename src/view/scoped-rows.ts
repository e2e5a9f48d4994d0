// Layers of rows: those of the mesh, and over them those of a client scope where they differ. A scope that comes
// costs what depends on clients; a service that changes costs itself.

import type { IpFamilies } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import { structurallyEqual } from "../graph/structural-equality.ts";
import type { Table } from "../graph/table.ts";
import { isVisibleTo, type Visibility } from "../model/visibility.ts";
import { type ClientScope, type ClientScopes, MESH_SCOPE, meshScopeOf } from "./client-scope.ts";

/** `absent`: the mesh has such a row, this scope has none. */
export type Scoped<T> = { readonly kind: "present"; readonly inputs: T } | { readonly kind: "absent" };

const ABSENT = { kind: "absent" } as const;

/** The key of a row in a layer. Ids of layers hold no bar; names may. */
export function layerKey(layer: string, name: string): string {
  return `${layer}|${name}`;
}

/** What `layerKey` put together. */
export function splitLayerKey(key: string): { readonly layer: string; readonly name: string } {
  const bar = key.indexOf("|");
  return { layer: key.slice(0, bar), name: key.slice(bar + 1) };
}

/** One row of the table that layers are made from. */
export interface InputContext<I> {
  readonly key: string;
  readonly input: I;
  readonly read: Read;
}

/** And who asks about it. */
export interface ScopedContext<I> extends InputContext<I> {
  readonly client: ClientScope;
}

export interface ScopedDerivation<I, T> {
  readonly name: string;
  readonly from: Table<I>;
  readonly scopes: Pick<ClientScopes, "table">;
  readonly visibility: (input: I) => Visibility;
  /** Some rule may give clients different answers; only then are the scopes asked one by one. */
  readonly isClientDependent: (context: InputContext<I>) => boolean;
  readonly build: (context: ScopedContext<I>) => ReadonlyMap<string, T>;
  /** Who stands for the mesh. Default MESH_SCOPE. */
  readonly mesh?: ClientScope;
}

type FamilyDerivation<I, T> = Omit<ScopedDerivation<I, T>, "mesh"> & { readonly scopes: ClientScopes };

/**
 * As `deriveScopedRows`, where all answers differ by the client's IP families: each families in use have their own
 * layer of the mesh.
 */
export function deriveRowsOfFamilies<I, T>(
  graph: Graph,
  derivation: FamilyDerivation<I, T>,
): Table<Scoped<T>> {
  const { name, scopes } = derivation;
  const usual = deriveScopedRows(graph, {
    ...derivation,
    scopes: { table: scopes.ofFamilies.ipv4 },
  });
  const others = (["ipv6", "dual"] as const).map((families) =>
    deriveScopedRows(graph, {
      ...derivation,
      name: `${name} for ${families}`,
      from: whileInUse(graph, derivation, families),
      scopes: { table: scopes.ofFamilies[families] },
      mesh: meshScopeOf(families),
    }),
  );
  return graph.union(`${name} for all families`, [usual, ...others]);
}

/** Nothing while no client has these families. */
function whileInUse<I, T>(
  graph: Graph,
  { name, from, scopes }: FamilyDerivation<I, T>,
  families: IpFamilies,
): Table<I> {
  return graph.derive<I, I>({
    name: `${name}, inputs for ${families}`,
    from,
    rows: (key, input, read) => (read.one(scopes.families).includes(families) ? [[key, input]] : []),
  });
}

/** The mesh's rows, and for each scope that differs, its differences. */
export function deriveScopedRows<I, T>(graph: Graph, derivation: ScopedDerivation<I, T>): Table<Scoped<T>> {
  const { name, from, visibility, build, mesh = MESH_SCOPE } = derivation;
  const answers = graph.derive<I, ReadonlyMap<string, T>>({
    name: `${name}, each input's`,
    from,
    rows: (key, input, read) =>
      visibility(input) === "public" ? [[key, build({ key, input, client: mesh, read })]] : [],
  });
  const ofMesh = graph.derive<ReadonlyMap<string, T>, Scoped<T>>({
    name: `${name} of the mesh`,
    from: answers,
    *rows(_key, answer) {
      for (const [row, inputs] of answer) yield [layerKey(mesh.id, row), { kind: "present", inputs }];
    },
  });
  return graph.union(name, [ofMesh, ...deriveDifferences(graph, derivation, answers)]);
}

interface ScopedInput {
  readonly scope: string;
  readonly key: string;
}

interface Differences<T> {
  readonly scope: string;
  readonly present: ReadonlyMap<string, T>;
  readonly absent: readonly string[];
}

/**
 * One call for each scope and input that may differ from the mesh's answer. A row that one input gives up and another
 * takes over is present: rows come before those that say that there is none.
 */
function deriveDifferences<I, T>(
  graph: Graph,
  derivation: ScopedDerivation<I, T>,
  answers: Table<ReadonlyMap<string, T>>,
): readonly Table<Scoped<T>>[] {
  const { name, from, scopes, build } = derivation;
  const differences = graph.derive<ScopedInput, Differences<T>>({
    name: `${name}, differences of client scopes`,
    from: deriveScopedInputs(graph, derivation),
    *rows(at, { scope, key }, read) {
      const input = read.get(from, key);
      const client = read.get(scopes.table, scope);
      if (input === undefined || client === undefined) return;
      const ofMesh: ReadonlyMap<string, T> = read.get(answers, key) ?? new Map<string, T>();
      const own = build({ key, input, client, read });
      const present = new Map(
        [...own].filter(([row, inputs]) => !structurallyEqual(ofMesh.get(row), inputs)),
      );
      const absent = [...ofMesh.keys()].filter((row) => !own.has(row));
      if (present.size + absent.length > 0) yield [at, { scope, present, absent }];
    },
  });
  const present = graph.derive<Differences<T>, Scoped<T>>({
    name: `${name} of client scopes`,
    from: differences,
    *rows(_at, { scope, present: rows }) {
      for (const [row, inputs] of rows) yield [layerKey(scope, row), { kind: "present", inputs }];
    },
  });
  const absent = graph.derive<Differences<T>, Scoped<T>>({
    name: `${name} that client scopes lack`,
    from: differences,
    *rows(_at, { scope, absent: rows }) {
      for (const row of rows) yield [layerKey(scope, row), ABSENT];
    },
  });
  return [present, absent];
}

function deriveScopedInputs<I, T>(
  graph: Graph,
  { name, from, scopes, visibility, isClientDependent }: ScopedDerivation<I, T>,
): Table<ScopedInput> {
  const dependent = graph.derive<I, Visibility>({
    name: `${name} that depend on the client`,
    from,
    rows(key, input, read) {
      const visible = visibility(input);
      return visible !== "public" || isClientDependent({ key, input, read }) ? [[key, visible]] : [];
    },
  });
  return graph.derive<ClientScope, ScopedInput>({
    name: `${name} to ask for client scopes`,
    from: scopes.table,
    *rows(scope, { namespace }, read) {
      for (const [key, visible] of read.all(dependent)) {
        if (isVisibleTo(visible, namespace)) yield [layerKey(scope, key), { scope, key }];
      }
    },
  });
}
