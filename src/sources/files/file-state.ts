// What is remembered of one watched file: its last text as read, and which objects of it are in force. Pure.

import type { ObjectKey } from "../../core/object-key.ts";
import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { LoadedObject, Manifest } from "./manifest.ts";
import type { MergedManifests } from "./merge-manifests.ts";
import { mergeManifests } from "./merge-manifests.ts";

export interface FileState {
  readonly signature: string;
  readonly manifest: Manifest;
  /** The objects of this file that are in force: those that are good, and the last good versions of the others. */
  readonly kept: ReadonlyMap<ObjectKey, LoadedObject>;
  /** A newer state of the file takes something away, and isn't believed until it has lasted. */
  readonly isDoubtful: boolean;
}

/** The state after a file was read, where `before` are the objects that were in force. */
export function nextFileState(
  signature: string,
  manifest: Manifest,
  before: ReadonlyMap<ObjectKey, LoadedObject>,
): FileState {
  const kept = new Map(manifest.isComplete ? [] : before);
  for (const { key, positions, object } of manifest.entries) {
    const loaded = object === undefined ? before.get(key) : { key, positions, object };
    if (loaded !== undefined) kept.set(key, loaded);
  }
  return { signature, manifest, kept, isDoubtful: false };
}

/** Whether the file as read now lacks an object that is in force: it may be half-written, or broken. */
export function losesObjects(state: FileState, manifest: Manifest): boolean {
  const good = goodKeys(manifest);
  return [...state.kept.keys()].some((key) => !good.has(key));
}

function goodKeys({ entries }: Manifest): ReadonlySet<ObjectKey> {
  return new Set(entries.filter(({ object }) => object !== undefined).map(({ key }) => key));
}

/**
 * All that is in force. What a file says now goes before what another file only said once. The problems of a file in
 * doubt stand until the doubt ends: none goes and comes back while a broken file is saved again.
 */
export function mergeFileStates(states: readonly FileState[]): MergedManifests {
  const certain = states.filter(({ isDoubtful }) => !isDoubtful).map(({ manifest }) => manifest);
  const { objects, problems } = mergeManifests(certain);
  const merged = new Map(objects);
  const doubtful = states.filter(({ isDoubtful }) => isDoubtful);
  const allProblems = [
    ...problems,
    ...doubtful.flatMap(({ manifest }) => mergeManifests([manifest]).problems),
  ];
  for (const { kept, manifest } of states) {
    const rescued = [...kept.values()].filter(({ key }) => !merged.has(key));
    for (const loaded of rescued) merged.set(loaded.key, loaded);
    const good = goodKeys(manifest);
    const outlived = rescued.filter(({ key }) => !good.has(key));
    if (outlived.length > 0) allProblems.push(stillInForce(manifest.file, outlived));
  }
  return { objects: merged, problems: allProblems };
}

const MAX_NAMED = 3;

function stillInForce(file: string, objects: readonly LoadedObject[]): Problem {
  const names = objects.slice(0, MAX_NAMED).map(({ key }) => objectKeyText(key));
  const others = objects.length > MAX_NAMED ? ` and ${objects.length - MAX_NAMED} more` : "";
  const verb = objects.length === 1 ? "stays" : "stay";
  return problem("MLT1012", {
    location: { file, line: 1, column: 1 },
    message: `the last good version of ${names.join(", ")}${others} ${verb} in force`,
    hint: "mend the file, or delete the object from it",
  });
}
