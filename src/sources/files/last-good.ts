// Keeps the last good objects of each file on disk, so that a restart serves the same while a file is broken.
// The folder may hold Secrets: it is readable by its owner only.

import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ObjectKey } from "../../core/object-key.ts";
import type { LoadedObject } from "./manifest.ts";
import { isSameLoaded } from "./manifest.ts";

export interface LastGoodStore {
  /** Empty where nothing is kept. */
  get(file: string): Promise<readonly LoadedObject[]>;
  put(file: string, objects: readonly LoadedObject[]): Promise<void>;
}

type Objects = ReadonlyMap<ObjectKey, LoadedObject>;

/** What is on disk, as this process wrote it. */
interface Written {
  readonly objects: Objects;
  readonly appendCount: number;
}

/** One edit after another, as lines after the whole: a large file isn't written out again for each. */
interface Changes {
  readonly upserts: readonly LoadedObject[];
  readonly deletes: readonly ObjectKey[];
}

const MAX_APPENDS = 100;

/** A store in a directory of its own, which it makes when needed. Files are told apart by their full paths. */
export function lastGoodDirectory(directory: string): LastGoodStore {
  const writtenByPath = new Map<string, Written>();
  const pathOf = (file: string) => {
    const name = createHash("sha256").update(resolve(file)).digest("hex").slice(0, 32);
    return join(directory, `${name}.json`);
  };
  return {
    get: (file) => readObjects(pathOf(file)),
    async put(file, list) {
      const path = pathOf(file);
      const written = writtenByPath.get(path);
      // Where writing fails, nothing is known of what is there.
      writtenByPath.delete(path);
      if (list.length === 0) return rm(path, { force: true });
      const objects = new Map(list.map((loaded) => [loaded.key, loaded]));
      const changes = written === undefined ? undefined : smallChanges(written, objects);
      if (changes === undefined) await writeWhole(path, list);
      else await appendFile(path, `${JSON.stringify(changes)}\n`);
      writtenByPath.set(path, {
        objects,
        appendCount: changes === undefined ? 0 : (written?.appendCount ?? 0) + 1,
      });
    },
  };
}

async function writeWhole(path: string, objects: readonly LoadedObject[]): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  // Renamed into place, so that a crash leaves the old version or the new one.
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, `${JSON.stringify(objects)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

/** Undefined where the whole is better written again. */
function smallChanges({ objects: before, appendCount }: Written, objects: Objects): Changes | undefined {
  if (appendCount >= MAX_APPENDS) return undefined;
  const upserts = [...objects.values()].filter((loaded) => {
    const known = before.get(loaded.key);
    return known === undefined || !isSameLoaded(known, loaded);
  });
  const deletes = [...before.keys()].filter((key) => !objects.has(key));
  const isLarge = (upserts.length + deletes.length) * 10 > objects.size;
  return isLarge ? undefined : { upserts, deletes };
}

// What can't be read is as good as nothing: the manifests themselves are the truth.
async function readObjects(path: string): Promise<readonly LoadedObject[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [whole = "", ...appended] = text.split("\n");
  const list = parseLine(whole);
  if (!Array.isArray(list)) return [];
  const objects = new Map((list as readonly LoadedObject[]).map((loaded) => [loaded.key, loaded]));
  for (const line of appended) {
    const changes = parseLine(line) as Changes | undefined;
    // The process ended while it wrote this line, which is the last.
    if (changes === undefined) break;
    for (const loaded of changes.upserts) objects.set(loaded.key, loaded);
    for (const key of changes.deletes) objects.delete(key);
  }
  return [...objects.values()];
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
