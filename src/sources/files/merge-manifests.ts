// Joins the manifests of all files into one set of objects in which each key has one owner. Pure.

import type { ObjectKey } from "../../core/object-key.ts";
import { locate } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import { formatLocation, problem } from "../../core/problem.ts";
import type { LoadedObject } from "./loaded-objects.ts";
import type { Manifest, ManifestEntry } from "./manifest.ts";
import { isLoaded } from "./manifest.ts";

/** Made for who asks: the objects may be added to. */
export interface MergedManifests {
  readonly objects: Map<ObjectKey, LoadedObject>;
  readonly problems: readonly Problem[];
}

/** Of two entries with one key the first stays in force, and the other is a problem that names both places. */
export function mergeManifests(manifests: readonly Manifest[]): MergedManifests {
  const objects = new Map<ObjectKey, LoadedObject>();
  const broken = new Map<ObjectKey, ManifestEntry>();
  const problems: Problem[] = [];
  for (const manifest of manifests) {
    problems.push(...manifest.problems);
    for (const entry of manifest.entries) {
      const owner = objects.get(entry.key) ?? broken.get(entry.key);
      if (owner !== undefined) problems.push(duplicate(entry, owner));
      else if (isLoaded(entry)) objects.set(entry.key, entry);
      else broken.set(entry.key, entry);
    }
  }
  return { objects, problems };
}

function duplicate({ key, positions }: ManifestEntry, owner: ManifestEntry): Problem {
  const first = formatLocation(locate(owner.positions, ""));
  return problem("MLT1007", {
    object: key,
    location: locate(positions, ""),
    message: `this object stands at ${first} already, and that one is in force`,
    hint: "remove one of the two, or give it another name",
  });
}
