// Keeps the last good objects of each file on disk, so that a restart serves the same while a file is broken.
// The folder may hold Secrets: it is readable by its owner only.

import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ObjectKey } from "../../core/object-key.ts";
import { movedPositions } from "../../core/positions.ts";
import {
  changesSince,
  isNothing,
  type LoadedObject,
  type ObjectChanges,
  type ObjectsByKey,
} from "./loaded-objects.ts";

export interface LastGoodStore {
  /** Empty where nothing is kept. */
  get(file: string): Promise<ObjectsByKey>;
  /** Writes what differs from what is kept. One call after another for each file. */
  put(file: string, objects: ObjectsByKey): Promise<void>;
}

/** What is on disk, as this process read or wrote it: the whole as it was, and a line for each edit since. */
interface Kept {
  readonly objects: ObjectsByKey;
  readonly wholeLength: number;
  readonly editsLength: number;
}

/** A store in a directory of its own, which it makes when needed. Files are told apart by their full paths. */
export function lastGoodDirectory(directory: string): LastGoodStore {
  const keptByPath = new Map<string, Kept>();
  const pathOf = (file: string) => {
    const name = createHash("sha256").update(resolve(file)).digest("hex").slice(0, 32);
    return join(directory, `${name}.json`);
  };
  return {
    async get(file) {
      const path = pathOf(file);
      const { kept, isIntact } = await readKept(path);
      if (isIntact) keptByPath.set(path, kept);
      else keptByPath.delete(path);
      return kept.objects;
    },
    async put(file, objects) {
      const path = pathOf(file);
      const kept = keptByPath.get(path);
      // Where writing fails, nothing is known of what is there.
      keptByPath.delete(path);
      if (objects.size === 0) await rm(path, { force: true });
      else keptByPath.set(path, await write(path, objects, kept));
    },
  };
}

async function write(path: string, objects: ObjectsByKey, kept: Kept | undefined): Promise<Kept> {
  if (kept === undefined) return writeWhole(path, objects);
  const changes = changesSince(kept.objects, objects);
  if (isNothing(changes)) return { ...kept, objects };
  const line = `${JSON.stringify(changes)}\n`;
  const editsLength = kept.editsLength + line.length;
  // So the file is never more than twice as long as it must be.
  if (editsLength > kept.wholeLength) return writeWhole(path, objects);
  await appendFile(path, line);
  return { ...kept, objects, editsLength };
}

async function writeWhole(path: string, objects: ObjectsByKey): Promise<Kept> {
  const whole = `${JSON.stringify([...objects.values()])}\n`;
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  // Renamed into place, so that a crash leaves the old version or the new one.
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, whole, { mode: 0o600 });
  await rename(draft, path);
  return { objects, wholeLength: whole.length, editsLength: 0 };
}

const NOTHING: Kept = { objects: new Map(), wholeLength: 0, editsLength: 0 };

/** What can't be read is as good as nothing: the manifests themselves are the truth. To what isn't intact nothing is appended. */
async function readKept(path: string): Promise<{ readonly kept: Kept; readonly isIntact: boolean }> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [whole = "", ...edits] = text.split("\n");
  const list = parseLine(whole);
  if (!isListOf(list, isLoadedObject)) return { kept: NOTHING, isIntact: false };
  const objects = new Map(list.map((loaded) => [loaded.key, loaded]));
  const rest = edits.pop();
  let intactCount = 0;
  for (const line of edits) {
    const changes = parseLine(line);
    // A process ended while it wrote the line.
    if (!areChanges(changes)) break;
    apply(changes, objects);
    intactCount += 1;
  }
  const wholeLength = whole.length + 1;
  return {
    kept: { objects, wholeLength, editsLength: text.length - wholeLength },
    isIntact: rest === "" && intactCount === edits.length,
  };
}

function apply({ upserts, moves, deletes }: ObjectChanges, objects: Map<ObjectKey, LoadedObject>): void {
  for (const loaded of upserts) objects.set(loaded.key, loaded);
  for (const move of moves) {
    const known = objects.get(move.key);
    if (known === undefined) continue;
    objects.set(move.key, { ...known, positions: movedPositions(known.positions, move) });
  }
  for (const key of deletes) objects.delete(key);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function areChanges(value: unknown): value is ObjectChanges {
  return (
    isRecord(value) &&
    isListOf(value.upserts, isLoadedObject) &&
    isListOf(value.moves, (move) => isRecord(move) && typeof move.key === "string") &&
    isListOf(value.deletes, (key) => typeof key === "string")
  );
}

function isLoadedObject(value: unknown): value is LoadedObject {
  if (!isRecord(value) || typeof value.key !== "string") return false;
  const { object, positions } = value;
  return (
    isRecord(object) && isRecord(object.metadata) && isRecord(positions) && Array.isArray(positions.root)
  );
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[];
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean;
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
