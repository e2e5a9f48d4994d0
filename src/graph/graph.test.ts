import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "./graph.ts";
import { GraphMisuse } from "./graph-misuse.ts";
import type { Table } from "./table.ts";

interface Service {
  readonly host: string;
  readonly app: string;
}

/** Services that count the pods of their app: one source read by key, one through an index. */
function shop() {
  const graph = new Graph();
  const services = graph.source<Service>("services");
  const pods = graph.source<{ readonly app: string }>("pods");
  const podsByApp = graph.index(pods, "pods by app", (pod) => [pod.app]);
  const runs: string[] = [];
  const counts = graph.derive<Service, number>({
    name: "counts",
    from: services,
    rows: (key, service, read) => {
      runs.push(key);
      return [[service.host, read.find(podsByApp, service.app).length]];
    },
  });
  return { graph, services, pods, counts, runs };
}

function rowsOf<V>(table: Table<V>): Record<string, V> {
  return Object.fromEntries(table.entries());
}

test("commit() brings derived rows in step and says what changed", () => {
  const { graph, services, pods, counts } = shop();
  const commit = graph.commit((t) => {
    t.set(services, "a", { host: "a.shop", app: "a" });
    t.set(pods, "a-1", { app: "a" });
  });
  assert.deepEqual(rowsOf(counts), { "a.shop": 1 });
  assert.equal(commit.revision, 1);
  assert.deepEqual(commit.changed.get(counts), new Set(["a.shop"]));
  assert.deepEqual(commit.errors, []);
});

test("commit() recomputes only the rows that read what changed", () => {
  const { graph, services, pods, runs } = shop();
  graph.commit((t) => {
    for (const app of ["a", "b", "c"]) t.set(services, app, { host: `${app}.shop`, app });
  });
  runs.length = 0;
  graph.commit((t) => t.set(pods, "b-1", { app: "b" }));
  assert.deepEqual(runs, ["b"]);
});

test("commit() that changes nothing keeps the revision and runs nothing", () => {
  const { graph, services, runs } = shop();
  graph.commit((t) => t.set(services, "a", { host: "a.shop", app: "a" }));
  runs.length = 0;
  const commit = graph.commit((t) => t.set(services, "a", { host: "a.shop", app: "a" }));
  assert.equal(commit.revision, 1);
  assert.equal(commit.changed.size, 0);
  assert.deepEqual(runs, []);
});

test("commit() applies nothing when the writer throws", () => {
  const { graph, services, counts } = shop();
  assert.throws(
    () =>
      graph.commit((t) => {
        t.set(services, "a", { host: "a.shop", app: "a" });
        throw new Error("changed my mind");
      }),
    /changed my mind/,
  );
  graph.commit(() => undefined);
  assert.equal(counts.size, 0);
});

test("commit() withdraws rows that are no longer produced", () => {
  const { graph, services, counts } = shop();
  graph.commit((t) => t.set(services, "a", { host: "old", app: "a" }));
  const commit = graph.commit((t) => t.set(services, "a", { host: "new", app: "a" }));
  assert.deepEqual(rowsOf(counts), { new: 0 });
  assert.deepEqual(commit.changed.get(counts), new Set(["new", "old"]));
});

test("commit() stops where an output is equal by content, and keeps the old object", () => {
  const graph = new Graph();
  const source = graph.source<{ readonly name: string; readonly note: string }>("source");
  const names = graph.derive<{ readonly name: string }, { readonly name: string }>({
    name: "names",
    from: source,
    rows: (key, { name }) => [[key, { name }]],
  });
  let runCount = 0;
  graph.derive({
    name: "greetings",
    from: names,
    rows: (key, { name }) => {
      runCount += 1;
      return [[key, `hello ${name}`]];
    },
  });
  graph.commit((t) => t.set(source, "a", { name: "ann", note: "" }));
  const before = names.get("a");
  const commit = graph.commit((t) => t.set(source, "a", { name: "ann", note: "other" }));
  assert.equal(runCount, 1);
  assert.equal(names.get("a"), before);
  assert.equal(commit.changed.has(names), false);
});

test("commit() recomputes a reader of a missing key when the key arrives", () => {
  const graph = new Graph();
  const wishes = graph.source<string>("wishes");
  const gifts = graph.source<string>("gifts");
  const granted = graph.derive<string, string>({
    name: "granted",
    from: wishes,
    rows: (key, wish, read) => [[key, read.get(gifts, wish) ?? "nothing"]],
  });
  graph.commit((t) => t.set(wishes, "ann", "book"));
  assert.equal(granted.get("ann"), "nothing");
  graph.commit((t) => t.set(gifts, "book", "a book"));
  assert.equal(granted.get("ann"), "a book");
});

test("derive() accepts a generator, and an undefined value is no row", () => {
  const graph = new Graph();
  const source = graph.source<number>("source");
  const parts = graph.derive<number, number>({
    name: "parts",
    from: source,
    *rows(key, count) {
      for (let part = 0; part < count; part += 1) yield [`${key}/${part}`, part];
      yield [`${key}/none`, undefined];
    },
  });
  graph.commit((t) => t.set(source, "a", 2));
  assert.deepEqual(rowsOf(parts), { "a/0": 0, "a/1": 1 });
});

test("conflicts() names two claimants, the smaller input key wins, and a withdrawal resolves it", () => {
  const { graph, services, pods, counts } = shop();
  graph.commit((t) => {
    t.set(pods, "b-1", { app: "b" });
    t.set(services, "b", { host: "same", app: "b" });
  });
  assert.equal(counts.get("same"), 1);
  const contested = graph.commit((t) => t.set(services, "a", { host: "same", app: "a" }));
  assert.equal(counts.get("same"), 0);
  assert.deepEqual(contested.changed.get(counts), new Set(["same"]));
  assert.deepEqual(graph.conflicts(), [{ table: "counts", key: "same", owner: "a", claimants: ["a", "b"] }]);
  graph.commit((t) => t.delete(services, "a"));
  assert.equal(counts.get("same"), 1);
  assert.deepEqual(graph.conflicts(), []);
});

test("conflicts() is empty when a key moves from one row to another in one commit", () => {
  const { graph, services, counts } = shop();
  graph.commit((t) => t.set(services, "a", { host: "x", app: "a" }));
  const commit = graph.commit((t) => {
    t.set(services, "b", { host: "x", app: "b" });
    t.delete(services, "a");
  });
  assert.deepEqual(graph.conflicts(), []);
  assert.equal(commit.changed.has(counts), false);
});

test("commit() keeps the previous row when its function throws, reports it, and goes on with the others", () => {
  const graph = new Graph();
  const source = graph.source<number>("source");
  const limits = graph.source<number>("limits");
  const checked = graph.derive<number, number>({
    name: "checked",
    from: source,
    rows: (key, value, read) => {
      if (value > (read.get(limits, "limit") ?? 10)) throw new Error(`too large: ${value}`);
      return [[key, value]];
    },
  });
  graph.commit((t) => {
    t.set(source, "a", 1);
    t.set(source, "b", 2);
  });
  const failed = graph.commit((t) => {
    t.set(source, "a", 11);
    t.set(source, "b", 3);
  });
  assert.deepEqual(rowsOf(checked), { a: 1, b: 3 });
  assert.deepEqual(
    failed.errors.map(({ table, key, error }) => [table, key, String(error)]),
    [["checked", "a", "Error: too large: 11"]],
  );
  assert.equal(graph.failures().length, 1);
  // What it read before it threw still wakes it.
  graph.commit((t) => t.set(limits, "limit", 20));
  assert.deepEqual(rowsOf(checked), { a: 11, b: 3 });
  assert.deepEqual(graph.failures(), []);
});

test("failures() names what was changed when a row began to fail, through all that lies between", () => {
  const graph = new Graph();
  const pods = graph.source<string>("pods");
  const services = graph.source<string>("services");
  const upper = graph.derive<string, string>({
    name: "upper",
    from: pods,
    rows: (key, value) => [[`${key}-upper`, value.toUpperCase()]],
  });
  const byWord = graph.index(upper, "by word", (value) => [value]);
  const grouped = graph.group("grouped", byWord);
  const all = graph.union("all", [grouped]);
  graph.derive<string, number>({
    name: "endpoints",
    from: services,
    rows: (key, word, read) => {
      if ((read.get(all, word)?.length ?? 0) > 1) throw new Error("two");
      return [[key, 1]];
    },
  });
  let tellCount = 0;
  graph.watchFailures(() => tellCount++);
  graph.commit((t) => {
    t.set(services, "web", "A");
    t.set(services, "api", "B");
    t.set(pods, "one", "a");
    t.set(pods, "other", "c");
  });
  graph.commit((t) => {
    t.set(pods, "two", "a");
    t.set(pods, "unrelated", "d");
  });
  const failures = () => graph.failures().map(({ table, key, causes }) => ({ table, key, causes }));
  const failure = { table: "endpoints", key: "web", causes: [{ table: "pods", key: "two" }] };
  assert.deepEqual(failures(), [failure]);
  assert.equal(tellCount, 1);
  // Another change doesn't take the blame for what fails still.
  graph.commit((t) => t.set(pods, "three", "a"));
  assert.deepEqual(failures(), [failure]);
  graph.commit((t) => {
    t.delete(pods, "two");
    t.delete(pods, "three");
  });
  assert.deepEqual(failures(), []);
  assert.equal(tellCount, 3);
  graph.commit((t) => t.set(pods, "four", "d"));
  assert.equal(tellCount, 3);
});

test("failures() of a first commit name the row's own source first, and few", () => {
  const graph = new Graph();
  const settings = graph.source<number>("settings");
  const source = graph.source<number>("source");
  graph.derive<number, number>({
    name: "checked",
    from: source,
    rows: (_key, _value, read) => {
      throw new Error(String(read.all(settings).length));
    },
  });
  graph.commit((t) => {
    for (let at = 0; at < 50; at++) t.set(settings, String(at), at);
    t.set(source, "a", 1);
  });
  const [failure] = graph.failures();
  assert.deepEqual(failure?.causes[0], { table: "source", key: "a" });
  assert.equal(failure.causes.length, 10);
});

test("derive() withdraws the outputs of a row that fails where it is asked to", () => {
  const graph = new Graph();
  const source = graph.source<number>("source");
  const given = graph.derive<number, number>({
    name: "given",
    from: source,
    whenFailing: "withdraw",
    rows: (key, value) => {
      if (value < 0) throw new Error("negative");
      return [[key, value]];
    },
  });
  graph.commit((t) => t.set(source, "a", 1));
  const { changed } = graph.commit((t) => t.set(source, "a", -1));
  assert.deepEqual(rowsOf(given), {});
  assert.deepEqual([...(changed.get(given) ?? [])], ["a"]);
  graph.commit((t) => t.set(source, "a", 2));
  assert.deepEqual(rowsOf(given), { a: 2 });
});

test("commit() fails a row that produces one key twice", () => {
  const graph = new Graph();
  const source = graph.source<number>("source");
  graph.derive<number, number>({
    name: "twice",
    from: source,
    rows: () => [
      ["x", 1],
      ["x", 2],
    ],
  });
  const { errors } = graph.commit((t) => t.set(source, "a", 1));
  assert.match(String(errors[0]?.error), /Cannot produce the row "x" twice/);
});

test("index() that throws for a row reports it and finds the others", () => {
  const graph = new Graph();
  const source = graph.source<string>("source");
  const byLength = graph.index(source, "by length", (value) => {
    if (value === "") throw new Error("empty");
    return [String(value.length)];
  });
  const unit = graph.deriveOne({
    name: "ones",
    value: (read) => read.find(byLength, "1").map(([key]) => key),
  });
  const commit = graph.commit((t) => {
    t.set(source, "a", "x");
    t.set(source, "b", "");
  });
  assert.deepEqual(unit.get(""), ["a"]);
  assert.deepEqual(
    commit.errors.map(({ table, key }) => [table, key]),
    [["by length", "b"]],
  );
  assert.deepEqual(commit.errors[0]?.causes, [{ table: "source", key: "b" }]);
  graph.commit((t) => t.set(source, "b", "y"));
  assert.deepEqual(unit.get(""), ["a", "b"]);
  assert.deepEqual(graph.failures(), []);
});

test("deriveOne() is computed by the first commit, even an empty one, and again when what it read changes", () => {
  const graph = new Graph();
  const source = graph.source<number>("source");
  const total = graph.deriveOne({
    name: "total",
    value: (read) => read.all(source).reduce((sum, [, value]) => sum + value, 0),
  });
  const doubled = graph.deriveOne({ name: "doubled", value: (read) => 2 * read.one(total) });
  graph.commit(() => undefined);
  assert.equal(doubled.get(""), 0);
  graph.commit((t) => t.set(source, "a", 4));
  assert.equal(doubled.get(""), 8);
});

test("watch() hands each commit's changes to its listener until it is ended", () => {
  const { graph, services, counts } = shop();
  const seen: unknown[] = [];
  const end = graph.watch(counts, (changes, revision) => seen.push([revision, Object.fromEntries(changes)]));
  graph.commit((t) => t.set(services, "a", { host: "x", app: "a" }));
  graph.commit((t) => t.delete(services, "a"));
  end();
  graph.commit((t) => t.set(services, "b", { host: "x", app: "b" }));
  assert.deepEqual(seen, [
    [1, { x: 0 }],
    [2, { x: undefined }],
  ]);
});

test("watch() tells every listener though one throws, and commit() then throws", () => {
  const { graph, services } = shop();
  let toldCount = 0;
  services.watch(() => {
    throw new Error("listener broke");
  });
  services.watch(() => {
    toldCount += 1;
  });
  assert.throws(() => graph.commit((t) => t.set(services, "a", { host: "x", app: "a" })), AggregateError);
  assert.equal(toldCount, 1);
});

test("Read refuses a table that is declared later, and commit() throws it", () => {
  const graph = new Graph();
  const source = graph.source<number>("source");
  const later: { table?: Table<number> } = {};
  graph.derive<number, number>({
    name: "early",
    from: source,
    rows: (key, _value, read) => [[key, later.table === undefined ? 0 : (read.get(later.table, key) ?? 0)]],
  });
  later.table = graph.source<number>("late");
  assert.throws(() => graph.commit((t) => t.set(source, "a", 1)), isMisuse(/isn't declared before it/));
});

test("Read refuses to be kept, and tables refuse to be read past it", () => {
  const graph = new Graph();
  const source = graph.source<number>("source");
  const kept: (() => unknown)[] = [];
  graph.derive<number, number>({
    name: "keeper",
    from: source,
    rows: (key, value, read) => {
      kept.push(() => read.all(source));
      return [[key, value]];
    },
  });
  graph.commit((t) => t.set(source, "a", 1));
  assert.throws(() => kept[0]?.(), GraphMisuse);

  const sly = new Graph();
  const hidden = sly.source<number>("hidden");
  sly.derive<number, number>({
    name: "sly",
    from: hidden,
    rows: (key) => [[key, hidden.size + (hidden.get("b") ?? 0)]],
  });
  assert.throws(() => sly.commit((t) => t.set(hidden, "a", 1)), isMisuse(/past the recorder/));
});

test("Graph refuses declarations after the first commit, names used twice, and commits inside a commit", () => {
  const { graph, services } = shop();
  assert.throws(() => graph.source("services"), GraphMisuse);
  services.watch(() => void graph.commit(() => undefined));
  assert.throws(
    () => graph.commit((t) => t.set(services, "a", { host: "x", app: "a" })),
    isMisuse(/inside a commit/),
  );
  assert.throws(() => graph.source("late"), GraphMisuse);
});

function isMisuse(message: RegExp) {
  return (error: unknown): boolean =>
    error instanceof AggregateError &&
    error.errors.some((one) => one instanceof GraphMisuse && message.test(one.message));
}
