// What is remembered of one watched file: its last text as read, and which objects of it are in force. Pure.

import { type ObjectKey, objectKeyText } from "../../core/object-key.ts";
import { locate } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import { isRefusedPolicy } from "../../kinds/authorization-policy/refused-policy.ts";
import { problemsOfLeftOut } from "../left-out.ts";
import type { LoadedObject, ObjectsByKey } from "./loaded-objects.ts";
import type { Manifest, ManifestEntry } from "./manifest.ts";
import { isLoaded } from "./manifest.ts";
import type { MergedManifests } from "./merge-manifests.ts";
import { mergeManifests } from "./merge-manifests.ts";

export interface FileState {
  readonly signature: string;
  readonly manifest: Manifest;
  /**
   * The objects of this file that are in force: those that are good, and the last good versions of the others, or what
   * stands for those.
   */
  readonly kept: ObjectsByKey;
  /** A newer state of the file takes something away, and isn't believed until it has lasted. */
  readonly isDoubtful: boolean;
}

/** The state after a file was read, where `before` are the objects that were in force. */
export function nextFileState(signature: string, manifest: Manifest, before: ObjectsByKey): FileState {
  return { signature, manifest, kept: keptObjects(manifest, before), isDoubtful: false };
}

function keptObjects({ entries, objects, isComplete }: Manifest, before: ObjectsByKey): ObjectsByKey {
  // None is broken, and none is there twice.
  if (isComplete && objects.size === entries.length) return objects;
  const kept = new Map(isComplete ? [] : before);
  const named = new Set(entries.map(({ key }) => key));
  for (const entry of entries) {
    // Of two with one key the one without errors counts.
    if (!isLoaded(entry) && objects.has(entry.key)) continue;
    const known = before.get(entry.key);
    const lastGood = known === undefined || isStandIn(known) ? undefined : known;
    const loaded = isLoaded(entry) ? entry : (lastGood ?? standInOf(entry));
    if (loaded === undefined) kept.delete(entry.key);
    // Where names can't be read, what was there before may be the same object.
    else if (isStandIn(loaded) && !isComplete && keepsAnother(loaded, before, named)) kept.delete(entry.key);
    else kept.set(entry.key, loaded);
  }
  return kept;
}

function standInOf({ key, positions, standIn }: ManifestEntry): LoadedObject | undefined {
  return standIn && { key, positions, object: standIn };
}

function isStandIn({ object }: LoadedObject): boolean {
  return isRefusedPolicy(object);
}

function keepsAnother(
  { object }: LoadedObject,
  before: ObjectsByKey,
  named: ReadonlySet<ObjectKey>,
): boolean {
  return [...before.values()].some(
    (each) => each.object.kind === object.kind && !named.has(each.key) && !isStandIn(each),
  );
}

/** Whether the file as read now lacks an object that is in force: it may be half-written, or broken. */
export function losesObjects({ kept }: FileState, { objects, entries }: Manifest): boolean {
  for (const [key, loaded] of kept) {
    if (objects.has(key)) continue;
    if (!isStandIn(loaded) || entries.every((entry) => entry.key !== key)) return true;
  }
  return false;
}

/**
 * All that is in force. What a file says now goes before what another file only said once. The problems of a file in
 * doubt stand until the doubt ends: none goes and comes back while a broken file is saved again.
 */
export function mergeFileStates(states: readonly FileState[]): MergedManifests {
  const certain = states.filter(({ isDoubtful }) => !isDoubtful).map(({ manifest }) => manifest);
  const { objects: merged, problems } = mergeManifests(certain);
  const doubtful = states.filter(({ isDoubtful }) => isDoubtful);
  const allProblems = [
    ...problems,
    ...doubtful.flatMap(({ manifest }) => mergeManifests([manifest]).problems),
  ];
  for (const { kept, manifest } of states) {
    const outlived: LoadedObject[] = [];
    for (const loaded of kept.values()) {
      if (merged.has(loaded.key) || isStandIn(loaded)) continue;
      merged.set(loaded.key, loaded);
      if (!manifest.objects.has(loaded.key)) outlived.push(loaded);
    }
    if (outlived.length > 0) allProblems.push(stillInForce(manifest.file, outlived));
    for (const { key, positions } of manifest.entries)
      if (!kept.has(key)) allProblems.push(...problemsOfLeftOut(key, locate(positions, "")));
  }
  const standIns = states.flatMap(({ kept }) => [...kept.values()].filter(isStandIn));
  for (const loaded of standIns) if (!merged.has(loaded.key)) merged.set(loaded.key, loaded);
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
    hint: "fix the file, or delete the object from it",
  });
}
