// The file system as a pod sees it, for planning mounts. Reads only; what it says may have changed by the time a mount is
// made, which the mounts' script checks.

import { lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FileSystemView } from "./mount-plan.ts";
import { machineAsPodsSeeIt, podDirectories } from "./pod-root.ts";

/** `directories` are the mesh's that the pod was given, in their order; `root` is where the pod's root is to be seen from here. */
export function podFileSystemView(
  directories: readonly string[],
  root: string = machineAsPodsSeeIt,
): FileSystemView {
  // What lies on the device of the mesh's own root is the mesh's.
  const ownDevice = statSync(root).dev;
  return {
    kindOf(path) {
      const found = resolveIn(root, path);
      return found === undefined ? "absent" : kindAt(join(root, found));
    },
    realPath(path) {
      const found = resolveIn(root, path);
      if (found === undefined) throw new Error(`"${path}" doesn't exist`);
      return found;
    },
    isOwn: (path) => statSync(join(root, path)).dev === ownDevice,
    ownership(path) {
      const { mode, uid, gid } = statSync(join(root, path));
      return { mode: mode & 0o7777, uid, gid };
    },
    lockedOptions: currentLockedOptions,
    ofPod(path) {
      const real = realPathBelow(path);
      const at = directories.findIndex((directory) => real === directory || real.startsWith(`${directory}/`));
      const directory = directories[at];
      if (directory === undefined) return undefined;
      return { path: join(podDirectories, String(at), real.slice(directory.length)), kind: kindAt(real) };
    },
  };
}

function kindAt(path: string): "directory" | "file" | "absent" {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return "absent";
  return found.isDirectory() ? "directory" : "file";
}

/** Of what is there; what isn't is taken as it is. */
function realPathBelow(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPathBelow(parent), path.slice(parent.length));
  }
}

// As the kernel's, that more links may hardly be meant.
const MAX_LINKS = 40;

/** The path without links as a process whose root directory is `root` finds it; undefined where it doesn't exist. */
export function resolveIn(root: string, path: string): string | undefined {
  let rest = path.split("/").filter(Boolean);
  let current = "/";
  for (let linkCount = 0; rest.length > 0; ) {
    const [name = "", ...after] = rest;
    rest = after;
    if (name === ".") continue;
    if (name === "..") {
      current = dirname(current);
      continue;
    }
    const next = join(current, name);
    const found = lookAt(join(root, next));
    if (found === undefined) return undefined;
    if (!found.isSymbolicLink()) {
      if (rest.length > 0 && !found.isDirectory()) return undefined;
      current = next;
      continue;
    }
    linkCount += 1;
    if (linkCount > MAX_LINKS) return undefined;
    const target = readlinkSync(join(root, next));
    if (target.startsWith("/")) current = "/";
    rest = [...target.split("/").filter(Boolean), ...rest];
  }
  return current;
}

function lookAt(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Of the mount that a path lies on, as this process sees it. */
export function currentLockedOptions(path: string): readonly string[] {
  return lockedOptionsOf(realpathSync(path), readFileSync("/proc/self/mountinfo", "utf8"));
}

const lockable = new Set(["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"]);

/** `mountInfo` is the text of /proc/self/mountinfo; the last mount on the longest path above `path` is the one in force. */
export function lockedOptionsOf(path: string, mountInfo: string): readonly string[] {
  let longest = "";
  let options: readonly string[] = [];
  for (const line of mountInfo.split("\n")) {
    const fields = line.split(" ");
    const mountPoint = fields[4]?.replace(/\\(\d{3})/g, (_, code: string) =>
      String.fromCharCode(parseInt(code, 8)),
    );
    if (mountPoint === undefined || mountPoint.length < longest.length) continue;
    if (path !== mountPoint && !path.startsWith(mountPoint === "/" ? "/" : `${mountPoint}/`)) continue;
    longest = mountPoint;
    options = (fields[5] ?? "").split(",").filter((option) => lockable.has(option));
  }
  return options;
}
