// Finds the manifest files below paths and reads their text. It follows symbolic links, passes over hidden files,
// and reads no file that is too large or isn't a regular one.

import type { BigIntStats } from "node:fs";
import { constants } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";

/** Reading stays well under ten seconds and 200 MB at this size; split a larger file. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

export const STANDARD_INPUT = "-";

/** Files beside manifests that say something else; named on their own they are read like any other. */
const otherFiles: ReadonlySet<string> = new Set([
  "images.yaml",
  "images.yml",
  "kustomization.yaml",
  "kustomization.yml",
]);
const manifestName = /\.(?:yaml|yml|json)$/;

export interface FoundFile {
  /** As the user would write it: below the path that was given. */
  readonly file: string;
  /** Changes whenever the file may have changed; empty for standard input. */
  readonly signature: string;
}

export interface FoundFiles {
  /** Sorted by path, each once. */
  readonly files: readonly FoundFile[];
  readonly problems: readonly Problem[];
}

/** Lists the manifests of files and directories (recursively); a path that isn't there is a problem. */
export async function findManifestFiles(paths: readonly string[]): Promise<FoundFiles> {
  const files = new Map<string, FoundFile>();
  const problems: Problem[] = [];
  for (const path of paths) {
    if (path === STANDARD_INPUT) files.set(path, { file: path, signature: "" });
    else await findBelow(path, { isNamed: true, ancestors: new Set() }, { files, problems });
  }
  const sorted = [...files.values()].sort((one, other) => (one.file < other.file ? -1 : 1));
  problems.sort((one, other) => ((one.location?.file ?? "") < (other.location?.file ?? "") ? -1 : 1));
  return { files: sorted, problems };
}

interface Visit {
  /** Given by the user, so it is read whatever its name is. */
  readonly isNamed: boolean;
  /** Real paths of the directories on the way, against links that lead back. */
  readonly ancestors: ReadonlySet<string>;
}

interface Findings {
  readonly files: Map<string, FoundFile>;
  readonly problems: Problem[];
}

async function findBelow(path: string, visit: Visit, found: Findings): Promise<void> {
  try {
    const status = await stat(path, { bigint: true });
    if (status.isDirectory()) await findInDirectory(path, visit, found);
    else if (visit.isNamed || isManifestName(path))
      found.files.set(path, { file: path, signature: signatureOf(status) });
  } catch (cause) {
    // What vanished between listing and looking is simply gone; a path that the user named is missed.
    if (visit.isNamed || errorCode(cause) !== "ENOENT") found.problems.push(unreadable(path, cause));
  }
}

async function findInDirectory(path: string, { ancestors }: Visit, found: Findings): Promise<void> {
  const real = await realpath(path);
  if (ancestors.has(real)) return;
  const below = { isNamed: false, ancestors: new Set([...ancestors, real]) };
  const names = (await readdir(path)).filter((name) => !name.startsWith(".") && name !== "node_modules");
  // Side by side: every save lists everything anew, and one after the other a thousand files take too long.
  await Promise.all(names.map((name) => findBelow(join(path, name), below, found)));
}

function isManifestName(path: string) {
  const name = basename(path);
  return manifestName.test(name) && !otherFiles.has(name);
}

function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats) {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

/** A file's text, or the problem that kept it from being read. */
export async function readManifestFile(file: string): Promise<string | Problem> {
  try {
    const bytes = file === STANDARD_INPUT ? await readStandardInput() : await readRegularFile(file);
    return bytes === undefined ? tooLarge(file) : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    return cause instanceof TypeError ? notText(file) : unreadable(file, cause);
  }
}

async function readRegularFile(file: string): Promise<Uint8Array | undefined> {
  // O_NONBLOCK, or opening a pipe that nobody writes to would wait without end.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new Error("it isn't a regular file");
    return status.size > MAX_FILE_BYTES ? undefined : await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function readStandardInput(): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FILE_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(file: string): Problem {
  return problem("MLT1008", {
    location: start(file),
    message: `the file is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB, so it isn't read`,
    hint: "split it into several files",
  });
}

function notText(file: string): Problem {
  return problem("MLT1008", {
    location: start(file),
    message: "the file isn't UTF-8 text",
    hint: "save it as UTF-8",
  });
}

function unreadable(file: string, cause: unknown): Problem {
  const faults: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file or directory",
    EACCES: "it may not be read: permission denied",
    ELOOP: "its symbolic links lead in a circle",
  };
  const fault = faults[errorCode(cause)] ?? (cause instanceof Error ? cause.message : String(cause));
  return problem("MLT1008", { location: start(file), message: `Cannot read "${file}": ${fault}` });
}

function start(file: string) {
  return { file, line: 1, column: 1 };
}

function errorCode(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "";
}
