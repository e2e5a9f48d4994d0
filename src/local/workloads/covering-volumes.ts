// What a container's volumes cover of the machine. On a cluster a program's files lie in its image, and an emptyDir at /tmp
// hides none of them; here they lie where the user has them, which may be below /tmp. So they are shown in front of the
// volume. Reads the file system, changes nothing.

import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ContainerMount } from "../sandbox/mount-plan.ts";

/** The nearest mount above a path, or at it. */
export function coverOf(path: string, mounts: readonly ContainerMount[]): ContainerMount | undefined {
  return mounts
    .filter(({ target }) => path === withoutSlash(target) || path.startsWith(belowPrefix(target)))
    .sort((one, other) => other.target.length - one.target.length)[0];
}

/** Where a path is to be found that a mount covers. */
export function pathInVolume(path: string, { source, subPath = "", target }: ContainerMount): string {
  return join(source, subPath, path.slice(withoutSlash(target).length));
}

/**
 * The mounts that show `paths`, which are the user's own, in front of volumes that the pod's apps write; for a file, its
 * directory with it. What other volumes cover stays hidden: no directory for it may be made in them.
 */
export function mountsInFront(
  paths: readonly string[],
  mounts: readonly ContainerMount[],
): readonly ContainerMount[] {
  const shown = paths.flatMap((path) => {
    const cover = coverOf(path, mounts);
    if (cover?.origin !== "pod" || cover.readOnly === true || path === withoutSlash(cover.target)) return [];
    if (!existsSync(path)) return [];
    const directory = statSync(path).isDirectory() ? path : dirname(path);
    return [directory.startsWith(belowPrefix(cover.target)) ? directory : path];
  });
  const distinct = [...new Set(shown)];
  return distinct
    .filter((path) => !distinct.some((other) => path.startsWith(belowPrefix(other))))
    .map((path) => ({ source: path, target: path, origin: "image" }));
}

function belowPrefix(target: string): string {
  return `${withoutSlash(target)}/`;
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}
