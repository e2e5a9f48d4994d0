// Opens a file below a directory in which others write, with the privileges of the mesh: one name at a time, each in the
// directory that was just entered, so that nothing that is swapped meanwhile leads out. It never follows a link.

import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, readlink } from "node:fs/promises";
import { READ_FLAGS } from "../../agent/certificate-file.ts";

export interface FileReader {
  readonly uid: number;
  /** All that it is in. */
  readonly gids: readonly number[];
}

export interface ContainedPath {
  /** A directory that is the mesh's to name; nobody else can swap it. */
  readonly directory: string;
  readonly names: readonly string[];
  /** Who must be allowed to read it; undefined where it doesn't matter. */
  readonly reader?: FileReader;
}

export type ContainedFile =
  | { readonly kind: "file"; readonly handle: FileHandle }
  /** The name at that place is a link. */
  | { readonly kind: "link"; readonly at: number; readonly target: string }
  | { readonly kind: "closed" };

// Of Linux; Node doesn't name it.
const O_PATH = 0o10000000;
const DIRECTORY_FLAGS = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Throws the error of the system call where nothing is there. */
export async function openContained({ directory, names, reader }: ContainedPath): Promise<ContainedFile> {
  let current = await open(directory, DIRECTORY_FLAGS);
  try {
    for (const [at, name] of names.entries()) {
      if (!(await isAllowed(current, 0o1, reader))) return { kind: "closed" };
      const next = `/proc/self/fd/${current.fd}/${name}`;
      const target = await linkTarget(next);
      if (target !== undefined) return { kind: "link", at, target };
      if (at === names.length - 1) return await openLast(next, reader);
      const inner = await open(next, DIRECTORY_FLAGS);
      await current.close();
      current = inner;
    }
    throw Object.assign(new Error(`"${directory}" is a directory`), { code: "EISDIR" });
  } finally {
    await current.close();
  }
}

async function openLast(path: string, reader: FileReader | undefined): Promise<ContainedFile> {
  const handle = await open(path, READ_FLAGS | constants.O_NOFOLLOW);
  if (await isAllowed(handle, 0o4, reader)) return { kind: "file", handle };
  await handle.close();
  return { kind: "closed" };
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EINVAL") return undefined;
    throw cause;
  }
}

async function isAllowed(handle: FileHandle, bit: number, reader: FileReader | undefined): Promise<boolean> {
  if (reader === undefined) return true;
  const { mode, uid, gid } = await handle.stat();
  if (uid === reader.uid) return (mode & (bit << 6)) !== 0;
  return (mode & (reader.gids.includes(gid) ? bit << 3 : bit)) !== 0;
}
