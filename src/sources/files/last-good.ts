// Keeps the last good objects of each file on disk, so that a restart serves the same while a file is broken.
// The folder may hold Secrets: it is readable by its owner only.

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { LoadedObject } from "./manifest.ts";

export interface LastGoodStore {
  /** Empty where nothing is kept. */
  get(file: string): Promise<readonly LoadedObject[]>;
  put(file: string, objects: readonly LoadedObject[]): Promise<void>;
}

/** A store in a directory of its own, which it makes when needed. Files are told apart by their full paths. */
export function lastGoodDirectory(directory: string): LastGoodStore {
  const pathOf = (file: string) => {
    const name = createHash("sha256").update(resolve(file)).digest("hex").slice(0, 32);
    return join(directory, `${name}.json`);
  };
  return {
    get: (file) => readObjects(pathOf(file)),
    async put(file, objects) {
      const path = pathOf(file);
      if (objects.length === 0) return rm(path, { force: true });
      await mkdir(directory, { recursive: true, mode: 0o700 });
      // Renamed into place, so that a crash leaves the old version or the new one.
      const draft = `${path}.${process.pid}.new`;
      await writeFile(draft, JSON.stringify(objects), { mode: 0o600 });
      await rename(draft, path);
    },
  };
}

// What can't be read is as good as nothing: the manifests themselves are the truth.
async function readObjects(path: string): Promise<readonly LoadedObject[]> {
  try {
    const objects: unknown = JSON.parse(await readFile(path, "utf8"));
    return Array.isArray(objects) ? (objects as LoadedObject[]) : [];
  } catch {
    return [];
  }
}
