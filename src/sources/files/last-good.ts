// Keeps the last good objects of each file on disk, so that a restart serves the same while a file is broken.
// The folder may hold Secrets: it is readable by its owner only.

import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { changesSince, type LoadedObject, type ObjectChanges, type ObjectsByKey } from "./loaded-objects.ts";

export interface LastGoodStore {
  /** Empty where nothing is kept. */
  get(file: string): Promise<ObjectsByKey>;
  /** Writes what differs from what is kept. One call after another for each file. */
  put(file: string, objects: ObjectsByKey): Promise<void>;
}

/** What is on disk, as this process read or wrote it. */
interface Kept {
  readonly objects: ObjectsByKey;
  readonly appendCount: number;
}

// Edits follow as lines after the whole: a large file isn't written out again for each.
const MAX_APPENDS = 100;

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
  const changes = kept === undefined ? undefined : changesSince(kept.objects, objects);
  if (kept === undefined || changes === undefined || isMuch(changes, kept)) {
    await writeWhole(path, [...objects.values()]);
    return { objects, appendCount: 0 };
  }
  if (changes.upserts.length + changes.deletes.length === 0) return { ...kept, objects };
  await appendFile(path, `${JSON.stringify(changes)}\n`);
  return { objects, appendCount: kept.appendCount + 1 };
}

/** Better written as a whole. */
function isMuch({ upserts, deletes }: ObjectChanges, { objects, appendCount }: Kept): boolean {
  return appendCount >= MAX_APPENDS || (upserts.length + deletes.length) * 10 > objects.size;
}

async function writeWhole(path: string, objects: readonly LoadedObject[]): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  // Renamed into place, so that a crash leaves the old version or the new one.
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, `${JSON.stringify(objects)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

const NOTHING: Kept = { objects: new Map(), appendCount: 0 };

/** What can't be read is as good as nothing: the manifests themselves are the truth. To what isn't intact nothing is appended. */
async function readKept(path: string): Promise<{ readonly kept: Kept; readonly isIntact: boolean }> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [whole = "", ...appended] = text.split("\n");
  const list = parseLine(whole);
  if (!Array.isArray(list)) return { kept: NOTHING, isIntact: false };
  const objects = new Map((list as readonly LoadedObject[]).map((loaded) => [loaded.key, loaded]));
  const rest = appended.pop();
  let appendCount = 0;
  for (const line of appended) {
    const changes = parseLine(line) as ObjectChanges | undefined;
    if (changes === undefined) break;
    for (const loaded of changes.upserts) objects.set(loaded.key, loaded);
    for (const key of changes.deletes) objects.delete(key);
    appendCount += 1;
  }
  // Else a process ended while it wrote the last line.
  const isIntact = rest === "" && appendCount === appended.length;
  return { kept: { objects, appendCount }, isIntact };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
