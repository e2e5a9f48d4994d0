// What to change in one JSON value to get another, as JSON Patch (RFC 6902), small enough to be read in an audit log.
// It compares plain JSON only; what is the same object in both is taken to be equal without a look.

export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

export type JsonPatch = readonly PatchOperation[];

/** Operations that make `after` of `before` when they are applied in order. Fields of value `undefined` aren't there. */
export function diffJson(before: unknown, after: unknown): JsonPatch {
  return [...differences("", before, after)];
}

function* differences(path: string, before: unknown, after: unknown): Iterable<PatchOperation> {
  if (before === after) return;
  if (isRecord(before) && isRecord(after)) yield* recordDifferences(path, before, after);
  else if (Array.isArray(before) && Array.isArray(after)) yield* listDifferences(path, before, after);
  else yield { op: "replace", path, value: after };
}

type Fields = Readonly<Record<string, unknown>>;

function* recordDifferences(path: string, before: Fields, after: Fields): Iterable<PatchOperation> {
  for (const name of fieldsOf(before)) {
    if (!has(after, name)) yield { op: "remove", path: at(path, name) };
  }
  for (const name of fieldsOf(after)) {
    if (has(before, name)) yield* differences(at(path, name), before[name], after[name]);
    else yield { op: "add", path: at(path, name), value: after[name] };
  }
}

function* listDifferences(
  path: string,
  before: readonly unknown[],
  after: readonly unknown[],
): Iterable<PatchOperation> {
  const keep = namedItemsKept(before, after);
  if (keep !== undefined) yield* namedListDifferences(path, { before, after, keep });
  else if (before.length !== after.length) yield { op: "replace", path, value: after };
  else for (const [index, item] of after.entries()) yield* differences(at(path, index), before[index], item);
}

/**
 * Names of the items that both lists have, where every item has a name of its own and those that stay keep their order,
 * as containers and volumes do; else undefined.
 */
function namedItemsKept(
  before: readonly unknown[],
  after: readonly unknown[],
): ReadonlySet<string> | undefined {
  const [names, laterNames] = [namesOf(before), namesOf(after)];
  if (names === undefined || laterNames === undefined) return undefined;
  const stay = [...names].filter((name) => laterNames.has(name));
  const laterStay = [...laterNames].filter((name) => names.has(name));
  return stay.every((name, index) => name === laterStay[index]) ? new Set(stay) : undefined;
}

function namesOf(items: readonly unknown[]): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const item of items) {
    if (!isRecord(item) || typeof item.name !== "string" || names.has(item.name)) return undefined;
    names.add(item.name);
  }
  return names;
}

interface NamedLists {
  readonly before: readonly unknown[];
  readonly after: readonly unknown[];
  readonly keep: ReadonlySet<string>;
}

/** From the end, removals don't move what is still to be removed; from the start, each addition is at its last place. */
function* namedListDifferences(path: string, { before, after, keep }: NamedLists): Iterable<PatchOperation> {
  for (const [index, item] of [...before.entries()].reverse()) {
    if (!keep.has(nameOf(item))) yield { op: "remove", path: at(path, index) };
  }
  const kept = new Map(before.map((item) => [nameOf(item), item]));
  for (const [index, item] of after.entries()) {
    const name = nameOf(item);
    if (keep.has(name)) yield* differences(at(path, index), kept.get(name), item);
    else yield { op: "add", path: at(path, index), value: item };
  }
}

function nameOf(item: unknown): string {
  return (item as { readonly name: string }).name;
}

/** RFC 6901, section 3. */
function at(path: string, part: string | number): string {
  return `${path}/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function fieldsOf(record: Fields): string[] {
  return Object.keys(record).filter((name) => record[name] !== undefined);
}

function has(record: Fields, name: string): boolean {
  return Object.hasOwn(record, name) && record[name] !== undefined;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
