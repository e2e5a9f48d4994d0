// Layers of rows: those of the mesh, and over them those of a client scope where they differ. Which scopes are asked
// about an input follows from what the mesh's client was asked about it. A scope that comes costs what it answers
// otherwise; a service that changes costs itself, and the scopes that do. A scope with an import set has a layer of its
// own alone, of what it imports: it costs that, however much else the mesh has.

import type { IpFamilies } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import { structurallyEqual } from "../graph/structural-equality.ts";
import type { Table } from "../graph/table.ts";
import { clientOf, otherAnswers, recordQuestions, type ScopeClient } from "./client-questions.ts";
import {
  type ClientScope,
  type ClientScopes,
  MESH_SCOPE,
  meshScopeOf,
  type Question,
} from "./client-scope.ts";
import type { ImportedInput, ImportedInputs } from "./import-sets.ts";
import { type LayerId, layerKey } from "./layer-id.ts";

/** `absent`: the mesh has such a row, this scope has none. */
export type Scoped<T> = { readonly kind: "present"; readonly inputs: T } | { readonly kind: "absent" };

const ABSENT = { kind: "absent" } as const;

/** One row of the table that layers are made from, and who asks about it. */
export interface ScopedContext<I> {
  readonly key: string;
  readonly input: I;
  readonly read: Read;
  readonly client: ScopeClient;
}

/** What rows of layers are made from. */
export interface ScopedRows<I, T> {
  readonly name: string;
  readonly from: Table<I>;
  /** For scopes with an import set, in place of `from`. */
  readonly imported: (inputs: ImportedInputs) => Table<ImportedInput<I>>;
  /** Depends on nothing of the client but its answers. */
  readonly build: (context: ScopedContext<I>) => ReadonlyMap<string, T>;
}

export interface ScopedDerivation<I, T> extends ScopedRows<I, T> {
  readonly scopes: ClientScopes;
}

/** The mesh's rows, and for each scope that differs, its differences; those of scopes with imports, by themselves. */
export function deriveScopedRows<I, T>(graph: Graph, derivation: ScopedDerivation<I, T>): Table<Scoped<T>> {
  return graph.union(derivation.name, [
    ...deriveRowsOverMesh(graph, derivation),
    deriveImportedRows(graph, derivation),
  ]);
}

/**
 * As `deriveScopedRows`, where all answers differ by the client's IP families: each families in use have their own
 * layer of the mesh.
 */
export function deriveRowsOfFamilies<I, T>(
  graph: Graph,
  derivation: ScopedDerivation<I, T>,
): Table<Scoped<T>> {
  const { name, scopes } = derivation;
  const { ofFamilies } = scopes;
  const usual = deriveRowsOverMesh(graph, { ...derivation, over: ofFamilies.ipv4 });
  const others = (["ipv6", "dual"] as const).flatMap((families) =>
    deriveRowsOverMesh(graph, {
      ...derivation,
      name: `${name} for ${families}`,
      from: whileInUse(graph, derivation, families),
      over: ofFamilies[families],
      mesh: meshScopeOf(families),
    }),
  );
  return graph.union(`${name} for all families`, [
    ...usual,
    ...others,
    deriveImportedRows(graph, derivation),
  ]);
}

/** Nothing while no client has these families. */
function whileInUse<I, T>(
  graph: Graph,
  { name, from, scopes }: ScopedDerivation<I, T>,
  families: IpFamilies,
): Table<I> {
  return graph.derive<I, I>({
    name: `${name}, inputs for ${families}`,
    from,
    rows: (key, input, read) => (read.one(scopes.families).includes(families) ? [[key, input]] : []),
  });
}

/** What the mesh's client is told about one input, and what it was asked for that. */
interface Answer<T> {
  readonly rows: ReadonlyMap<string, T>;
  readonly questions: readonly Question[];
}

interface MeshDerivation<I, T> extends ScopedDerivation<I, T> {
  /** Who stands for the mesh. Default MESH_SCOPE. */
  readonly mesh?: ClientScope;
  /** Whose differences; default: of all that have the mesh's rows. */
  readonly over?: Table<ClientScope>;
}

/** What is one table together; a key that is in more than one has the row of the first. */
export function deriveRowsOverMesh<I, T>(
  graph: Graph,
  derivation: MeshDerivation<I, T>,
): readonly Table<Scoped<T>>[] {
  const { name, from, scopes, build, mesh = MESH_SCOPE } = derivation;
  const answers = graph.derive<I, Answer<T>>({
    name: `${name}, each input's`,
    from,
    *rows(key, input, read) {
      const { client, questions } = recordQuestions(mesh, scopes.identity, read);
      const rows = build({ key, input, client, read });
      const asked = questions();
      if (rows.size + asked.length > 0) yield [key, { rows, questions: asked }];
    },
  });
  const ofMesh = graph.derive<Answer<T>, Scoped<T>>({
    name: `${name} of the mesh`,
    from: answers,
    *rows(_key, answer) {
      for (const [row, inputs] of answer.rows) yield [layerKey(mesh.id, row), { kind: "present", inputs }];
    },
  });
  return [ofMesh, ...deriveDifferences(graph, derivation, answers)];
}

/** The rows of scopes with imports: one call for each scope and input that it imports. */
export function deriveImportedRows<I, T>(
  graph: Graph,
  { name, imported, scopes, build }: ScopedDerivation<I, T>,
): Table<Scoped<T>> {
  return graph.derive<ImportedInput<I>, Scoped<T>>({
    name: `${name} of imports`,
    from: imported(scopes.imported),
    *rows(_at, { layer, key, input }, read) {
      const scope = read.get(scopes.table, layer);
      if (scope === undefined) return;
      const rows = build({ key, input, client: clientOf(scope, scopes.identity, read), read });
      for (const [row, inputs] of rows) yield [layerKey(layer, row), { kind: "present", inputs }];
    },
  });
}

interface ScopedInput {
  readonly scope: LayerId;
  readonly key: string;
}

interface Differences<T> {
  readonly scope: LayerId;
  readonly present: ReadonlyMap<string, T>;
  readonly absent: readonly string[];
}

/**
 * One call for each scope and input that may differ from the mesh's answer. A row that one input gives up and another
 * takes over is present: rows come before those that say that there is none.
 */
function deriveDifferences<I, T>(
  graph: Graph,
  derivation: MeshDerivation<I, T>,
  answers: Table<Answer<T>>,
): readonly Table<Scoped<T>>[] {
  const { name, from, scopes, build } = derivation;
  const noRows: ReadonlyMap<string, T> = new Map();
  const differences = graph.derive<ScopedInput, Differences<T>>({
    name: `${name}, differences of client scopes`,
    from: deriveScopedInputs(graph, derivation, answers),
    *rows(at, { scope, key }, read) {
      const input = read.get(from, key);
      const asked = read.get(scopes.table, scope);
      if (input === undefined || asked === undefined) return;
      const ofMesh = read.get(answers, key)?.rows ?? noRows;
      const own = build({ key, input, client: clientOf(asked, scopes.identity, read), read });
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

/** The inputs about which the mesh's client was asked something that the scope answers otherwise. */
function deriveScopedInputs<I, T>(
  graph: Graph,
  { name, scopes, over = scopes.overMesh, mesh = MESH_SCOPE }: MeshDerivation<I, T>,
  answers: Table<Answer<T>>,
): Table<ScopedInput> {
  const byQuestion = graph.index(answers, `${name} by question`, ({ questions }) => questions);
  return graph.derive<ClientScope, ScopedInput>({
    name: `${name} to ask for client scopes`,
    from: over,
    *rows(_key, scope, read) {
      const { id } = scope;
      const found = otherAnswers(scope, mesh).flatMap((question) => read.find(byQuestion, question));
      for (const key of new Set(found.map(([each]) => each))) yield [layerKey(id, key), { scope: id, key }];
    },
  });
}
