// One file's text, read as objects: which it holds, where they stand, and what is wrong with them.
// Pure: it gets text and reads no file.

import { isDeepStrictEqual } from "node:util";
import type { ObjectKey } from "../../core/object-key.ts";
import type { PositionNode, Positions } from "../../core/positions.ts";
import { locate, subtree } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Finding, KubernetesObject } from "../../kinds/define-kind.ts";
import { parseObject } from "../../kinds/parse-object.ts";
import { meshConfigEntry } from "./mesh-config-text.ts";
import { splitDocuments } from "./split-documents.ts";
import { parseYaml } from "./yaml-documents.ts";

/** An object in force, and where its fields stand; plain JSON. */
export interface LoadedObject {
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
  readonly positions: Positions;
}

/** Whether it says the same at the same place. */
export function isSameLoaded(one: LoadedObject, other: LoadedObject): boolean {
  const [before, after] = [one.positions, other.positions];
  if (before.file !== after.file || (before.firstLine ?? 1) !== (after.firstLine ?? 1)) return false;
  // What comes from text that didn't change is the same value.
  if (one.object === other.object && before.root === after.root) return true;
  return isDeepStrictEqual(one.object, other.object) && isDeepStrictEqual(before.root, after.root);
}

/** What a document holds: an object, or only the key of one with errors. */
export interface ManifestEntry {
  readonly key: ObjectKey;
  readonly positions: Positions;
  /** Absent where the object has errors. */
  readonly object?: KubernetesObject;
}

export interface Manifest {
  readonly file: string;
  readonly entries: readonly ManifestEntry[];
  readonly problems: readonly Problem[];
  /**
   * Whether all that the file holds could be named. If not, an object that it held before and that isn't among
   * the entries may well be meant to be there still.
   */
  readonly isComplete: boolean;
  /** What each part of the text was read as, for the next reading of the file. */
  readonly parts: ReadonlyMap<string, ManifestPart>;
}

/** One part of a file's text, as if it began on line 1. */
export interface ManifestPart {
  readonly syntaxProblems: readonly Problem[];
  readonly items: readonly ParsedItem[];
}

/** `before`: the same file as it was read earlier. Parts whose text it had already aren't read again. */
export function parseManifest(file: string, text: string, before?: Manifest): Manifest {
  const parts = new Map<string, ManifestPart>();
  const placed = splitDocuments(text).map(({ text: key, firstLine }) => {
    const part = parts.get(key) ?? before?.parts.get(key) ?? parsePart(file, key);
    parts.set(key, part);
    return { part, firstLine };
  });
  const syntaxProblems = placed.flatMap(({ part, firstLine }) => moved(part.syntaxProblems, firstLine));
  if (syntaxProblems.some(({ severity }) => severity === "error")) {
    // What stands before an error may be cut short by it, so none of the file is taken.
    return { file, entries: [], problems: syntaxProblems, isComplete: false, parts };
  }
  const items = placed.flatMap(({ part, firstLine }) => part.items.map((item) => place(item, firstLine)));
  const problems = [...syntaxProblems, ...items.flatMap((item) => item.problems)];
  if (items.length === 0) problems.push(emptyProblem(file));
  return {
    file,
    entries: items.flatMap((item) => item.entries),
    problems,
    isComplete: items.every((item) => item.isComplete),
    parts,
  };
}

function parsePart(file: string, text: string): ManifestPart {
  const { documents, problems } = parseYaml(file, detached(text));
  const items = documents.flatMap(({ value, root }) => itemsOf(value, root));
  return {
    syntaxProblems: problems,
    items: items.map(({ value, root }) => parseItem(value, { file, root })),
  };
}

/**
 * A copy with characters of its own. V8 cuts strings out of others by reference: an object read from a part of the file
 * would keep the whole text of that day in memory, for as long as its own lines don't change.
 */
function detached(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}

function place({ entries, problems, isComplete }: ParsedItem, firstLine: number): ParsedItem {
  return {
    entries: entries.map((entry) => ({ ...entry, positions: { ...entry.positions, firstLine } })),
    problems: moved(problems, firstLine),
    isComplete,
  };
}

function moved(problems: readonly Problem[], firstLine: number): readonly Problem[] {
  if (firstLine === 1) return problems;
  return problems.map((found) => {
    if (found.location === undefined) return found;
    const { line, ...place } = found.location;
    return { ...found, location: { ...place, line: line + firstLine - 1 } };
  });
}

/** The file of a path that couldn't be read. */
export function unreadableManifest(file: string, found: Problem): Manifest {
  return { file, entries: [], problems: [found], isComplete: false, parts: new Map() };
}

function emptyProblem(file: string): Problem {
  return problem("MLT1010", { location: { file, line: 1, column: 1 }, message: "the file holds no object" });
}

interface Item {
  readonly value: unknown;
  readonly root: PositionNode;
}

// `kind: List`, and the typed lists that `kubectl get -o yaml` writes, such as ServiceList.
function itemsOf(value: unknown, root: PositionNode): Item[] {
  if (!isRecord(value) || typeof value.kind !== "string" || !value.kind.endsWith("List"))
    return [{ value, root }];
  if (!Array.isArray(value.items)) return [{ value, root }];
  return value.items.flatMap((item: unknown, index) => itemsOf(item, subtree(root, ["items", index])));
}

interface ParsedItem {
  readonly entries: readonly ManifestEntry[];
  readonly problems: readonly Problem[];
  readonly isComplete: boolean;
}

function parseItem(value: unknown, positions: Positions): ParsedItem {
  if (isOtherJson(value, positions.file))
    return { entries: [], problems: [otherJson(positions)], isComplete: true };
  const { key, object, findings, isInert = false } = parseObject(value);
  const problems = findings.map((finding) => problemOf(finding, positions, key));
  if (key === undefined) return { entries: [], problems, isComplete: isInert };
  const entry = { key, positions, ...(object === undefined ? {} : { object }) };
  const meshConfig = object === undefined ? undefined : meshConfigEntry(object, positions);
  if (meshConfig === undefined) return { entries: [entry], problems, isComplete: !findings.some(isOfName) };
  return {
    entries: [entry, ...meshConfig.entries],
    problems: [...problems, ...meshConfig.problems],
    isComplete: true,
  };
}

/** A slip in a name names another object: the one that was meant may well be one that was there before. */
function isOfName({ path }: Finding): boolean {
  return path === "metadata.name" || path === "metadata.namespace";
}

// A folder of manifests often holds package.json, tsconfig.json and the like.
function isOtherJson(value: unknown, file: string) {
  return (
    file.endsWith(".json") && isRecord(value) && value.apiVersion === undefined && value.kind === undefined
  );
}

function otherJson(positions: Positions): Problem {
  const message = "the file has neither apiVersion nor kind, so it isn't taken for a manifest";
  return problem("MLT1010", { location: locate(positions, ""), message });
}

/** Joins what was found in an object with the object's key and the place in its file. */
export function problemOf(finding: Finding, positions: Positions, key: ObjectKey | undefined): Problem {
  const { code = "MLT1005", path, ...rest } = finding;
  return problem(code, {
    ...rest,
    ...(key === undefined ? {} : { object: key }),
    ...(path === "" ? {} : { path }),
    location: locate(positions, path),
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
