// Reads the objects of files once. It watches nothing and remembers nothing.

import type { Problem } from "../../core/problem.ts";
import type { LoadedObject } from "./loaded-objects.ts";
import type { Manifest } from "./manifest.ts";
import { parseManifest, unreadableManifest } from "./manifest.ts";
import { findManifestFiles, readManifestFile } from "./manifest-files.ts";
import { mergeManifests } from "./merge-manifests.ts";

export interface LoadedFiles {
  /** In the order of files, and of documents in each. */
  readonly objects: readonly LoadedObject[];
  readonly problems: readonly Problem[];
}

/** Loads files and directories (`*.yaml`, `*.yml`, `*.json`, recursively); the path `-` is standard input. */
export async function loadFiles(paths: readonly string[]): Promise<LoadedFiles> {
  const found = await findManifestFiles(paths);
  const manifests: Manifest[] = [];
  for (const { file } of found.files) manifests.push(await loadManifest(file));
  const { objects, problems } = mergeManifests(manifests);
  return { objects: [...objects.values()], problems: [...found.problems, ...problems] };
}

/** `before`: the same file as it was loaded earlier; only what has changed since is parsed. */
export async function loadManifest(file: string, before?: Manifest): Promise<Manifest> {
  const text = await readManifestFile(file);
  return typeof text === "string" ? parseManifest(file, text, before) : unreadableManifest(file, text);
}
