// The file system as the supervisor sees it, for planning mounts. Reads only.

import { readFileSync, realpathSync, statSync } from "node:fs";
import type { FileSystemView } from "./mount-plan.ts";

/** The supervisor's root is the mesh's own tmpfs; what lies on that device is the mesh's. */
export function meshFileSystemView(): FileSystemView {
  const ownDevice = statSync("/").dev;
  return {
    kindOf(path) {
      const found = statSync(path, { throwIfNoEntry: false });
      if (found === undefined) return "absent";
      return found.isDirectory() ? "directory" : "file";
    },
    realPath: (path) => realpathSync(path),
    isOwn: (path) => statSync(path).dev === ownDevice,
    ownership(path) {
      const { mode, uid, gid } = statSync(path);
      return { mode: mode & 0o7777, uid, gid };
    },
    lockedOptions: (path) =>
      lockedOptionsOf(realpathSync(path), readFileSync("/proc/self/mountinfo", "utf8")),
  };
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
