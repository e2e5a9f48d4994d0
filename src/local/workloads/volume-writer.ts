// Writes a volume's files as kubelet does, so that a reader sees all of a version or none of it: a directory of
// the version's own, a symlink `..data` that is swapped in one rename, and a symlink through it for each file.

import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface WrittenFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/** Makes `directory` show exactly `files`; false when it did already. */
export async function writeVolume(directory: string, files: readonly WrittenFile[]): Promise<boolean> {
  const version = `..${versionOf(files)}`;
  await mkdir(directory, { recursive: true });
  const before = await readlink(join(directory, "..data")).catch(() => undefined);
  if (before === version) return false;
  await writeVersion(join(directory, version), files);
  await symlink(version, join(directory, "..data_tmp"));
  await rename(join(directory, "..data_tmp"), join(directory, "..data"));
  const shown = new Set(files.map((file) => file.path.split("/")[0] ?? file.path));
  await showEntries(directory, shown);
  if (before !== undefined) await rm(join(directory, before), { recursive: true, force: true });
  return true;
}

async function writeVersion(directory: string, files: readonly WrittenFile[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const { path, mode, content } of files) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    // The mode at creation is cut by the umask.
    await chmod(file, mode);
  }
}

async function showEntries(directory: string, shown: ReadonlySet<string>): Promise<void> {
  const present = new Set(await readdir(directory));
  for (const name of shown) {
    if (!present.has(name)) await symlink(join("..data", name), join(directory, name));
  }
  for (const name of present) {
    if (!name.startsWith("..") && !shown.has(name)) await rm(join(directory, name), { recursive: true });
  }
}

function versionOf(files: readonly WrittenFile[]): string {
  const hash = createHash("sha256");
  for (const { path, mode, content } of files)
    hash.update(`${path}\0${mode}\0${content.length}\0`).update(content);
  return hash.digest("hex").slice(0, 16);
}
