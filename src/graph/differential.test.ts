// The engine's first test: after thousands of random batches, an incremental graph equals one rebuilt from scratch.
// The same run must fail on engines with one fault each (mutants), or it would prove nothing.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Graph } from "./graph.ts";
import type { Row, SourceTable, Table } from "./table.ts";

interface Service {
  readonly host: string;
  readonly app: string;
  readonly ports: readonly number[];
}

interface Rule {
  readonly host: string;
  /** 0 withdraws the routes of the service that the rule is named after. */
  readonly weight: number;
}

interface Pod {
  readonly apps: readonly string[];
  readonly ip: number;
}

/** A small mesh: keys, missing keys, indexes, whole tables, several outputs, outputs that clash. */
class Mesh {
  readonly graph: Graph;
  readonly services: SourceTable<Service>;
  readonly rules: SourceTable<Rule>;
  readonly pods: SourceTable<Pod>;
  readonly derived: readonly Table<unknown>[];

  constructor(graph: Graph) {
    this.graph = graph;
    this.services = graph.source<Service>("services");
    this.rules = graph.source<Rule>("rules");
    this.pods = graph.source<Pod>("pods");
    const podsByApp = graph.index(this.pods, "pods by app", (pod) => pod.apps);
    const rulesByHost = graph.index(this.rules, "rules by host", (rule) => [rule.host]);

    const hosts = graph.derive<
      Service,
      { readonly service: string; readonly app: string; readonly port: number }
    >({
      name: "hosts",
      from: this.services,
      *rows(key, { host, app, ports }) {
        for (const port of new Set(ports)) yield [`${host}:${port}`, { service: key, app, port }];
      },
    });
    const settings = graph.deriveOne<{ readonly heaviest: number; readonly ruleCount: number }>({
      name: "settings",
      value: (read) => {
        const weights = read.all(this.rules).map(([, { weight }]) => weight);
        return { heaviest: Math.max(0, ...weights), ruleCount: weights.length > 4 ? 5 : weights.length };
      },
    });
    const endpoints = graph.derive<{ readonly app: string; readonly port: number }, readonly string[]>({
      name: "endpoints",
      from: hosts,
      rows: (key, { app, port }, read) => [
        [key, read.find(podsByApp, app).map(([, { ip }]) => `${ip}:${port}`)],
      ],
    });
    const endpointsBySize = graph.index(endpoints, "endpoints by size", (list) => [String(list.length)]);
    const routes = graph.derive<{ readonly service: string; readonly port: number }, readonly unknown[]>({
      name: "routes",
      from: hosts,
      rows: (key, { service, port }, read) => {
        const own = read.get(this.rules, service);
        if (own?.weight === 0) return [];
        const host = key.slice(0, key.indexOf(":"));
        const found = read.find(rulesByHost, host).filter(([, { weight }]) => weight > port % 3);
        const next = found.length > 1 ? read.get(endpoints, `${host}:${port + 1}`) : undefined;
        return [
          [key, [own?.weight, found.map(([rule]) => rule), next, port > 2 ? read.one(settings) : undefined]],
        ];
      },
    });
    const lonely = graph.deriveOne<readonly string[]>({
      name: "lonely",
      value: (read) => read.find(endpointsBySize, "0").map(([key]) => key),
    });
    this.derived = [hosts, settings, endpoints, routes, lonely];
  }

  sources(): readonly SourceTable<unknown>[] {
    return [this.services, this.rules, this.pods] as readonly SourceTable<unknown>[];
  }
}

/** mulberry32: the same numbers for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

function writeBatch(mesh: Mesh, random: (below: number) => number): void {
  mesh.graph.commit((t) => {
    for (let write = random(4); write >= 0; write -= 1) {
      const isDelete = random(3) === 0;
      const key = String.fromCharCode(97 + random(8));
      const app = `app${random(4)}`;
      const table = mesh.sources()[random(3)];
      if (isDelete && table !== undefined) t.delete(table, key);
      else if (table === mesh.services) {
        t.set(mesh.services, key, { host: `host${random(5)}`, app, ports: numbers(random, 5) });
      } else if (table === mesh.rules)
        t.set(mesh.rules, key, { host: `host${random(5)}`, weight: random(4) });
      else t.set(mesh.pods, key, { apps: numbers(random, 4).map((one) => `app${one}`), ip: random(3) });
    }
  });
}

function numbers(random: (below: number) => number, below: number): number[] {
  return Array.from({ length: random(3) }, () => random(below));
}

function sortedRows(table: Table<unknown>): Row<unknown>[] {
  return [...table.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
}

function contents(mesh: Mesh): unknown {
  return {
    conflicts: mesh.graph.conflicts(),
    tables: mesh.derived.map((table) => [table.name, sortedRows(table)]),
  };
}

/** A graph given the same sources at once, in another order. */
function rebuild(mesh: Mesh, fresh: Graph): Mesh {
  const rebuilt = new Mesh(fresh);
  fresh.commit((t) => {
    mesh.sources().forEach((table, position) => {
      const target = rebuilt.sources()[position];
      if (target !== undefined)
        for (const [key, value] of sortedRows(table).reverse()) t.set(target, key, value);
    });
  });
  return rebuilt;
}

/** What listeners would have built up from the changes they were told. */
function follow(mesh: Mesh): () => void {
  const copies = mesh.derived.map((table) => {
    const copy = new Map<string, unknown>();
    table.watch((changes) => {
      for (const [key, value] of changes) {
        if (value === undefined) assert.ok(copy.delete(key), `${table.name} ${key} removed twice`);
        else copy.set(key, value);
      }
    });
    return { table, copy };
  });
  return () => {
    for (const { table, copy } of copies) {
      assert.deepEqual(
        [...copy].sort(([a], [b]) => (a < b ? -1 : 1)),
        sortedRows(table),
      );
    }
  };
}

interface Coverage {
  readonly rowCounts: Map<string, number>;
  conflictCount: number;
}

/** Throws an AssertionError at the first batch after which the graph under test differs from a rebuilt one. */
function compare(newGraph: () => Graph, batchCount: number): Coverage {
  const coverage: Coverage = { rowCounts: new Map(), conflictCount: 0 };
  const batchesPerMesh = 100;
  for (let seed = 0; seed * batchesPerMesh < batchCount; seed += 1) {
    const random = randomNumbers(seed);
    const mesh = new Mesh(newGraph());
    const checkFollowers = follow(mesh);
    for (let batch = 0; batch < batchesPerMesh; batch += 1) {
      writeBatch(mesh, random);
      assert.deepEqual(contents(mesh), contents(rebuild(mesh, new Graph())), `seed ${seed}, batch ${batch}`);
      checkFollowers();
      coverage.conflictCount += mesh.graph.conflicts().length;
      for (const table of mesh.derived) {
        coverage.rowCounts.set(table.name, (coverage.rowCounts.get(table.name) ?? 0) + table.size);
      }
    }
  }
  return coverage;
}

test("Graph equals a rebuild from scratch after each of 2,000 random batches", () => {
  const batchCount = 2_000;
  const { rowCounts, conflictCount } = compare(() => new Graph(), batchCount);
  for (const [name, rowCount] of rowCounts) {
    assert.ok(rowCount >= batchCount / 2, `"${name}" was nearly empty: ${rowCount} rows in all`);
  }
  assert.ok(conflictCount > batchCount / 10, `only ${conflictCount} conflicts`);
});

interface Mutant {
  readonly fault: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly line: string;
  readonly replacement: string;
}

/** The control: what kills the mutants must not be the way they are loaded. */
const UNCHANGED: Mutant = {
  fault: "none",
  file: "graph.ts",
  line: "export class Graph {",
  replacement: "export class Graph {",
};

const mutants: readonly Mutant[] = [
  {
    fault: "a lost key edge",
    file: "read.ts",
    line: "this.#dependencies.record(store, key);",
    replacement: "",
  },
  {
    fault: "a lost edge to a missing key",
    file: "read.ts",
    line: "this.#dependencies.record(store, key);",
    replacement: "if (store.peek(key) !== undefined) this.#dependencies.record(store, key);",
  },
  {
    fault: "a lost index edge",
    file: "read.ts",
    line: "this.#dependencies.record(found, indexKey);",
    replacement: "",
  },
  {
    fault: "a lost edge to a whole table",
    file: "read.ts",
    line: "this.#dependencies.record(store, undefined);",
    replacement: "",
  },
  {
    fault: "edges dropped when a second row reads the same",
    file: "key-set.ts",
    line: "new Set([keys, key])",
    replacement: "key",
  },
  {
    fault: "edges of the run before kept for good",
    file: "dependencies.ts",
    line: "for (const edge of recorded) edge.readers = withKey(edge.readers, row);",
    replacement: "",
  },
  {
    fault: "a reader that is never forgotten",
    file: "key-set.ts",
    line: "keys.delete(key);",
    replacement: "",
  },
  {
    fault: "an output not withdrawn with its row",
    file: "claims.ts",
    line: "for (const key of this.#keysOf(row)) this.#release(row, key);",
    replacement: "",
  },
  {
    fault: "an output not withdrawn when its row produces others",
    file: "claims.ts",
    line: "if (!outputs.has(key)) this.#release(row, key);",
    replacement: "",
  },
  {
    fault: "the last claimant wins",
    file: "claims.ts",
    line: "this.#table.write(key, rivals.get(owner));",
    replacement: "this.#table.write(key, [...rivals.values()].at(-1));",
  },
  {
    fault: "the claimant that remains isn't put in force",
    file: "claims.ts",
    line: "rivals.delete(row);\n    this.#crown(key, rivals);",
    replacement: "rivals.delete(row);",
  },
  {
    fault: "an index that forgets to remove",
    file: "table-index.ts",
    line: "this.#remove(indexKey, key);",
    replacement: "",
  },
  {
    fault: "an index that serves old values",
    file: "table-index.ts",
    line: "bucket.keys = withKey(bucket.keys, key);\n    bucket.rows = undefined;",
    replacement: "bucket.keys = withKey(bucket.keys, key);",
  },
  {
    fault: "a table whose sorted keys miss additions",
    file: "table.ts",
    line: "if (old === undefined || value === undefined) this.#sortedKeys = undefined;",
    replacement: "",
  },
  {
    fault: "equality that stops too early",
    file: "table.ts",
    line: "return old === value || this.#equal(old, value);",
    replacement: "return true;",
  },
];

test("Graph's differential test kills every mutant of the engine", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), `meltemi-graph-mutants-${process.pid}-`));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const Unchanged = await loadMutant(join(folder, "unchanged"), UNCHANGED);
  compare(() => new Unchanged(), 200);
  for (const [number, mutant] of mutants.entries()) {
    const MutantGraph = await loadMutant(join(folder, String(number)), mutant);
    assert.throws(
      () => compare(() => new MutantGraph(), 2_000),
      (error) => error instanceof assert.AssertionError,
      `survived: ${mutant.fault}`,
    );
  }
});

/** The engine's own source with one line replaced. */
async function loadMutant(folder: string, { fault, file, line, replacement }: Mutant): Promise<typeof Graph> {
  await cp(fileURLToPath(new URL(".", import.meta.url)), folder, { recursive: true });
  const source = await readFile(join(folder, file), "utf8");
  assert.equal(source.split(line).length, 2, `the line for "${fault}" must occur once in ${file}`);
  await writeFile(
    join(folder, file),
    source.replace(line, () => replacement),
  );
  const module: { Graph: typeof Graph } = await import(pathToFileURL(join(folder, "graph.ts")).href);
  return module.Graph;
}
