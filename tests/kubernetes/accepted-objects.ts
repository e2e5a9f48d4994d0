// Objects of the mesh's kinds that Meltemi's own validation takes: Istio's valid cases, the smallest of each place of each
// kind, and all of these with one field left out, emptied, repeated or of another value.

import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { kinds } from "../../src/kinds/all-kinds.ts";
import { isMeshKind } from "../../src/kinds/define-kind.ts";
import { isError, parseObject } from "../../src/kinds/parse-object.ts";
import { type ValidatorCall, writeCall } from "../cases/validation-call.ts";
import { largePlaces } from "../support/large-objects.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface AcceptedObject {
  /** Of the kind and the field that was changed, such as `Gateway spec.servers[].port.number = 0`. */
  readonly name: string;
  readonly object: Fields;
}

/** `directory`: of Istio's cases of validation. */
export function acceptedObjects(directory: string): readonly AcceptedObject[] {
  const originals = [...cases(directory), ...smallest()].filter(isAccepted);
  const byName = new Map<string, AcceptedObject>();
  for (const [index, object] of originals.entries()) {
    byName.set(`original ${index}`, { name: `${object.kind} as it is in a case`, object });
    for (const { field, value, changed } of changes(object, "")) {
      const text = JSON.stringify(value) ?? "nothing";
      const written = text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text;
      const name = `${object.kind} ${field} = ${written}`;
      if (!byName.has(name) && isAccepted(changed as Fields))
        byName.set(name, { name, object: changed as Fields });
    }
  }
  return [...byName.values()];
}

function* cases(directory: string): Iterable<Fields> {
  const read = (path: string) => readFileSync(`${directory}/${path}`, "utf8");
  for (const file of readdirSync(`${directory}/dataset`))
    for (const document of parseAllDocuments(read(`dataset/${file}`))) yield document.toJS() as Fields;
  for (const file of readdirSync(`${directory}/crds`))
    yield (JSON.parse(read(`crds/${file}`)) as { object: Fields }).object;
  for (const file of readdirSync(`${directory}/tables`)) {
    for (const call of JSON.parse(read(`tables/${file}`)) as ValidatorCall[]) {
      const written = writeCall(call);
      if (written.kind === "object") yield written.object;
    }
  }
}

function* smallest(): Iterable<Fields> {
  for (const kind of kinds.filter(isMeshKind)) {
    for (const place of largePlaces(kind).filter(({ path }) => path.startsWith("spec")))
      for (const word of ["a", "a.example.com", "*", "1s"]) yield place.build(1, () => word);
  }
}

function isAccepted(object: Fields): boolean {
  const { findings, object: parsed } = parseObject(object);
  return parsed !== undefined && !findings.some(isError);
}

interface Change {
  /** With `[]` for any item. */
  readonly field: string;
  /** Undefined where it was left out. */
  readonly value: unknown;
  readonly changed: unknown;
}

const TEXTS = ["", "a", "*", "a.example.com", "::1", "80", "A_b", "é"];
const LONG_TEXTS = [64, 254, 5_000].map((length) => "a".repeat(length));
const NUMBERS = [0, -1, 0.5, 101, 65_536, 2 ** 32 - 1];

function* changes(value: unknown, field: string): Iterable<Change> {
  if (Array.isArray(value)) yield* listChanges(value, field);
  else if (typeof value === "object" && value !== null) yield* fieldChanges(value as Fields, field);
  const others = othersOf(value);
  for (const other of others) yield { field, value: other, changed: other };
}

function othersOf(value: unknown): readonly unknown[] {
  if (typeof value === "string") return [...TEXTS, ...LONG_TEXTS];
  if (typeof value === "number") return NUMBERS;
  if (typeof value === "boolean") return [!value];
  return Array.isArray(value) ? [[]] : [{}];
}

function* listChanges(items: readonly unknown[], field: string): Iterable<Change> {
  for (const [index, item] of items.entries()) {
    for (const change of changes(item, `${field}[]`))
      yield { ...change, changed: items.with(index, change.changed) };
  }
  if (items.length > 0) yield { field, value: "repeated", changed: [...items, ...items] };
}

function* fieldChanges(fields: Fields, field: string): Iterable<Change> {
  for (const [name, value] of Object.entries(fields)) {
    if (field === "" && name !== "spec") continue;
    const path = field === "" ? name : `${field}.${name}`;
    for (const change of changes(value, path))
      yield { ...change, changed: { ...fields, [name]: change.changed } };
    const { [name]: _, ...rest } = fields;
    yield { field: path, value: undefined, changed: rest };
  }
}
