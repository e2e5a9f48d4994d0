// Writes a volume's files as kubelet does, so that a reader sees all of a version or none of it: a directory of
// the version's own, a symlink `..data` that is swapped in one rename, and a symlink through it for each file. What an
// attempt left that failed is in nobody's way.

import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import type { PodFiles } from "./pod-files.ts";

export interface WrittenFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
  /** The writer's own unless said otherwise. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Makes `directory` show exactly `files`; false when it did already. Nobody else may write in it. */
export async function writeVolume(
  directory: string,
  files: readonly WrittenFile[],
  fileSystem: PodFiles,
): Promise<boolean> {
  const version = `..${versionOf(files)}`;
  await fileSystem.mkdir(directory, { recursive: true });
  const before = await shownVersion(directory, fileSystem);
  const shown = new Set(files.map((file) => file.path.split("/")[0] ?? file.path));
  if (before !== version) {
    await writeVersion(join(directory, version), files, fileSystem);
    await swapLink(directory, version, fileSystem);
  }
  // Also where the version is shown already: the attempt that showed it may have failed since.
  const isAltered = await showEntries(directory, { shown, version }, fileSystem);
  return before !== version || isAltered;
}

async function shownVersion(directory: string, fileSystem: PodFiles): Promise<string | undefined> {
  try {
    return await fileSystem.readlink(join(directory, "..data"));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

async function writeVersion(
  directory: string,
  files: readonly WrittenFile[],
  fileSystem: PodFiles,
): Promise<void> {
  await fileSystem.rm(directory, { recursive: true, force: true });
  await fileSystem.mkdir(directory, { recursive: true });
  for (const { path, mode, content, owner } of files) {
    const file = join(directory, path);
    await fileSystem.mkdir(dirname(file), { recursive: true });
    // Nobody else's until it is as it should be.
    await fileSystem.writeFile(file, content, { mode: 0o600 });
    if (owner !== undefined) await fileSystem.chown(file, owner.uid, owner.gid);
    await fileSystem.chmod(file, mode);
  }
}

async function swapLink(directory: string, version: string, fileSystem: PodFiles): Promise<void> {
  const temporary = join(directory, "..data_tmp");
  await fileSystem.rm(temporary, { force: true });
  await fileSystem.symlink(version, temporary);
  await fileSystem.rename(temporary, join(directory, "..data"));
}

/** Removes what is no longer shown, other versions among it; what isn't a link stays, a mount may be on it. */
async function showEntries(
  directory: string,
  { shown, version }: { readonly shown: ReadonlySet<string>; readonly version: string },
  fileSystem: PodFiles,
): Promise<boolean> {
  const entries = await fileSystem.readdir(directory, { withFileTypes: true });
  const present = new Set(entries.map(({ name }) => name));
  let isAltered = false;
  for (const name of shown) {
    if (present.has(name)) continue;
    await fileSystem.symlink(join("..data", name), join(directory, name));
    isAltered = true;
  }
  for (const entry of entries) {
    const { name } = entry;
    const isOldVersion = name.startsWith("..") && name !== "..data" && name !== version;
    if (!isOldVersion && (name.startsWith("..") || shown.has(name) || !entry.isSymbolicLink())) continue;
    await fileSystem.rm(join(directory, name), { recursive: true, force: true });
    isAltered = true;
  }
  return isAltered;
}

function versionOf(files: readonly WrittenFile[]): string {
  const hash = createHash("sha256");
  for (const { path, mode, content, owner } of files)
    hash.update(`${path}\0${mode}\0${owner?.uid}:${owner?.gid}\0${content.length}\0`).update(content);
  return hash.digest("hex").slice(0, 16);
}
