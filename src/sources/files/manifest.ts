// One file's text, read as objects: which it holds, where they stand, and what is wrong with them.
// Pure: it gets text and reads no file.

import { detached } from "../../core/detached.ts";
import type { ObjectKey } from "../../core/object-key.ts";
import type { PositionNode, Positions } from "../../core/positions.ts";
import { locate, subtree } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { parseForMesh } from "../../kinds/authorization-policy/refused-policy.ts";
import type { Finding, KubernetesObject } from "../../kinds/define-kind.ts";
import { type ChangedSpan, changedSpan } from "./changed-span.ts";
import type { LoadedObject, ObjectsByKey } from "./loaded-objects.ts";
import { meshConfigEntry } from "./mesh-config-text.ts";
import { hasDirectives, splitDocuments, type TextPart } from "./split-documents.ts";
import { parseYaml } from "./yaml-documents.ts";

/** What a document holds: an object, or only the key of one with errors. */
export interface ManifestEntry {
  readonly key: ObjectKey;
  readonly positions: Positions;
  /** Absent where the object has errors. */
  readonly object?: KubernetesObject;
  /** What counts in its place where no earlier version of it is known. */
  readonly standIn?: KubernetesObject;
}

export function isLoaded(entry: ManifestEntry): entry is LoadedObject {
  return entry.object !== undefined;
}

export interface Manifest {
  readonly file: string;
  readonly entries: readonly ManifestEntry[];
  /** Those without errors; of several with one key the last. */
  readonly objects: ObjectsByKey;
  readonly problems: readonly Problem[];
  /**
   * Whether all that the file holds could be named. If not, an object that it held before and that isn't among
   * the entries may well be meant to be there still.
   */
  readonly isComplete: boolean;
  /** What it was read from, and what each part of that was read as: for the next reading of the file. */
  readonly text: string;
  readonly parts: readonly PlacedPart[];
}

/** The content of one part of a file's text, read as if it began on line 1. */
export interface ReadContent {
  readonly syntaxProblems: readonly Problem[];
  readonly items: readonly ParsedItem[];
}

/** A part at its place in the file; the same object for as long as neither changes. */
export interface PlacedPart extends ReadContent, TextSpan {
  /** As it was read: what the rest says of its place isn't in there. */
  readonly content: ReadContent;
  readonly firstLine: number;
}

type TextSpan = Omit<TextPart, "content">;

/** `before`: the same file as it was read earlier. Parts whose text it had already aren't read again. */
export function parseManifest(file: string, text: string, before?: Manifest): Manifest {
  const parts = readParts(file, text, before);
  const read = { file, text, parts };
  const syntaxProblems = parts.flatMap((part) => part.syntaxProblems);
  if (syntaxProblems.some(({ severity }) => severity === "error")) {
    // What stands before an error may be cut short by it, so none of the file is taken.
    return { ...read, entries: [], objects: new Map(), problems: syntaxProblems, isComplete: false };
  }
  const items = itemsOfParts(parts);
  if (items.count === 0) items.problems.push(emptyProblem(file));
  const { entries, objects, problems, isComplete } = items;
  return { ...read, entries, objects, problems: [...syntaxProblems, ...problems], isComplete };
}

/** One pass, since a file may hold thousands, and mostly one of them has changed (bench/reload: a third of flatMap's time). */
function itemsOfParts(parts: readonly PlacedPart[]) {
  const entries: ManifestEntry[] = [];
  const objects = new Map<ObjectKey, LoadedObject>();
  const problems: Problem[] = [];
  let isComplete = true;
  let count = 0;
  for (const { items } of parts) {
    for (const item of items) {
      count += 1;
      isComplete &&= item.isComplete;
      if (item.problems.length > 0) problems.push(...item.problems);
      for (const entry of item.entries) {
        entries.push(entry);
        if (isLoaded(entry)) objects.set(entry.key, entry);
      }
    }
  }
  return { entries, objects, problems, isComplete, count };
}

function readParts(file: string, text: string, before: Manifest | undefined): readonly PlacedPart[] {
  const known = before?.parts ?? [];
  const { headCount, tailCount, start, end } = changedSpan({ text: before?.text ?? "", parts: known }, text);
  const changed = text.slice(start, end);
  // Directives are said of the whole text, which is then one part.
  const isWhole = changed.length === text.length;
  if (!isWhole && hasDirectives(changed)) return readParts(file, text, undefined);
  const tail = known.slice(known.length - tailCount);
  const earlier = contentsByText(before, { headCount, tailCount, start });
  let firstLine = known[headCount]?.firstLine ?? 1;
  const read = splitDocuments(changed).map(({ content: contentText, ...span }) => {
    const content = earlier.get(contentText) ?? parseContent(file, contentText);
    earlier.set(contentText, content);
    const placed = place(content, span, firstLine);
    firstLine += span.lineEndCount;
    return placed;
  });
  const movedBy = firstLine - (tail[0]?.firstLine ?? firstLine);
  const movedTail =
    movedBy === 0 ? tail : tail.map((part) => place(part.content, part, part.firstLine + movedBy));
  return [...known.slice(0, headCount), ...read, ...movedTail];
}

/** Of the parts between head and tail: whatever was only moved about there is found by its text. */
function contentsByText(
  before: Manifest | undefined,
  { headCount, tailCount, start }: Pick<ChangedSpan, "headCount" | "tailCount" | "start">,
): Map<string, ReadContent> {
  const found = new Map<string, ReadContent>();
  if (before === undefined) return found;
  let at = start;
  for (const { length, leadLength, content } of before.parts.slice(
    headCount,
    before.parts.length - tailCount,
  )) {
    found.set(before.text.slice(at + leadLength, at + length), content);
    at += length;
  }
  return found;
}

function parseContent(file: string, text: string): ReadContent {
  // An object would keep the whole file's text of that day, for as long as its own lines don't change.
  const { documents, problems } = parseYaml(file, detached(text));
  const items = documents.flatMap(({ value, root }) => itemsOf(value, root));
  return {
    syntaxProblems: problems,
    items: items.map(({ value, root }) => parseItem(value, { file, root })),
  };
}

function place(content: ReadContent, span: TextSpan, firstLine: number): PlacedPart {
  const { length, lineEndCount, leadLength, leadLineCount } = span;
  const contentLine = firstLine + leadLineCount;
  return {
    content,
    ...{ length, lineEndCount, leadLength, leadLineCount },
    firstLine,
    syntaxProblems: moved(content.syntaxProblems, contentLine),
    items: content.items.map((item) => placeItem(item, contentLine)),
  };
}

function placeItem({ entries, problems, isComplete }: ParsedItem, firstLine: number): ParsedItem {
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
  return { file, entries: [], objects: new Map(), problems: [found], isComplete: false, text: "", parts: [] };
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
  const { key, object, standIn, findings, isInert = false } = parseForMesh(value);
  const problems = findings.map((finding) => problemOf(finding, positions, key));
  if (key === undefined) return { entries: [], problems, isComplete: isInert };
  const entry = { key, positions, ...(object && { object }), ...(standIn && { standIn }) };
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
