// Which meshes run from the cache that they share: each marks it for as long as it runs, so that nobody removes an Envoy
// that another mesh still starts.

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MarkHolder } from "./process-mark.ts";
import { readMark, writeMark } from "./process-mark.ts";

const DIRECTORY = "in-use";

export interface CacheUse {
  release(): Promise<void>;
}

/** A cache that can't be written isn't marked: whoever may not write it may not remove it either. */
export async function useCache(cacheDirectory: string, meshName: string): Promise<CacheUse> {
  const directory = join(cacheDirectory, DIRECTORY);
  const path = join(directory, String(process.pid));
  try {
    await mkdir(directory, { recursive: true });
    await rm(path, { force: true }); // Left by another process of this number.
    await writeMark(path, meshName);
  } catch {
    return { release: async () => undefined };
  }
  return { release: () => rm(path, { force: true }).catch(() => undefined) };
}

/** The meshes that run from it, whoever started them; the note is a mesh's name. */
export async function cacheUsers(cacheDirectory: string): Promise<readonly MarkHolder[]> {
  const directory = join(cacheDirectory, DIRECTORY);
  const names = await readdir(directory).catch(() => []);
  const holders = await Promise.all(names.map((name) => readMark(join(directory, name))));
  return holders.filter((holder) => holder !== undefined);
}
