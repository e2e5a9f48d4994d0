// The files of one image layer, by their path in the image. Only names and sources are kept; nothing is read
// before the layer is written.

import { lstatSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { sharedLibraries } from "./shared-libraries.ts";
import type { TarEntry } from "./tar-writer.ts";

const DIRECTORY_MODE = 0o755;
const PROGRAM_MODE = 0o755;
const FILE_MODE = 0o644;

/** As on Debian: what lies in these folders lies under /usr. */
const mergedFolders: readonly string[] = ["bin", "sbin", "lib", "lib64"];

export class FileTree {
  readonly #entries = new Map<string, TarEntry>();

  constructor() {
    for (const folder of mergedFolders)
      this.directory(`/usr/${folder}`).symlink(`/${folder}`, `usr/${folder}`);
  }

  /** Directories before what they hold, otherwise by name. */
  entries(): readonly TarEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  directory(path: string, mode = DIRECTORY_MODE): this {
    return this.#add({ kind: "directory", path: inImage(path), mode });
  }

  text(path: string, content: string, mode = FILE_MODE): this {
    return this.#add({ kind: "file", path: inImage(path), mode, content: Buffer.from(content) });
  }

  symlink(path: string, target: string): this {
    return this.#add({ kind: "symlink", path: inImage(path), target });
  }

  file(path: string, source: string, mode = FILE_MODE): this {
    return this.#add({ kind: "copy", path: inImage(path), mode, source: realpathSync(source) });
  }

  /** All below a folder of the machine; `isWanted` is asked with the path inside that folder. */
  folder(path: string, source: string, isWanted: (name: string) => boolean = () => true): this {
    for (const name of readdirSync(source, { recursive: true, encoding: "utf8" })) {
      const status = lstatSync(join(source, name));
      if (status.isDirectory() || !isWanted(name)) continue;
      if (status.isSymbolicLink()) this.symlink(join(path, name), readlinkSync(join(source, name)));
      else this.file(join(path, name), join(source, name), status.mode & 0o111 ? PROGRAM_MODE : FILE_MODE);
    }
    return this;
  }

  /** An executable of the machine with the shared libraries that it needs, those in their usual places. */
  program(path: string, source: string): this {
    this.file(path, source, PROGRAM_MODE);
    return this.libraries(source);
  }

  libraries(source: string): this {
    for (const library of sharedLibraries(source)) this.file(library, library, PROGRAM_MODE);
    return this;
  }

  /** A program with several names: the first is the file, the others are links beside it. */
  multiCallProgram(path: string, source: string, names: readonly string[]): this {
    this.program(path, source);
    for (const name of names) this.symlink(join(dirname(path), name), basename(path));
    return this;
  }

  #add(entry: TarEntry): this {
    const parent = posix.dirname(entry.path);
    if (parent !== "." && !this.#entries.has(parent)) this.directory(parent);
    this.#entries.set(entry.path, entry);
    return this;
  }
}

/** Relative to the image's root, with /lib and its like taken for /usr/lib, except the links themselves. */
function inImage(path: string): string {
  const [first = "", ...rest] = posix.normalize(path).replace(/^\/+/, "").split("/");
  return rest.length > 0 && mergedFolders.includes(first)
    ? ["usr", first, ...rest].join("/")
    : [first, ...rest].join("/");
}
