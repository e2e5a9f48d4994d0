// The door through which names and paths of a manifest go before they become names of files. Pure. What it lets through
// lies below the directory that it is joined to, as long as no link is followed there.

import { isDnsLabel, isDnsSubdomain } from "../../kinds/object-name.ts";

const MAX_PATH_BYTES = 4_096;

/** What is wrong with a name that becomes a directory's or a file's, as a clause; undefined where nothing is. */
export function nameObjection(name: string): string | undefined {
  return isDnsSubdomain(name)
    ? undefined
    : "a name has lower-case letters, digits and inner hyphens and dots, at most 253 characters";
}

/** As `nameObjection`, for containers and volumes. */
export function labelObjection(name: string): string | undefined {
  return isDnsLabel(name)
    ? undefined
    : "a name has lower-case letters, digits and inner hyphens, at most 63 characters";
}

/** A file in a volume: Kubernetes keeps paths that begin with ".." for its own links. */
export function filePathObjection(path: string): string | undefined {
  if (path === "") return "the path is empty";
  if (path.startsWith("..")) return 'a path in a volume doesn\'t begin with ".."';
  return subPathObjection(path);
}

/** A path below a volume; empty means the volume itself. */
export function subPathObjection(path: string): string | undefined {
  if (path.startsWith("/")) return "a path in a volume is relative";
  if (path.split("/").includes("..")) return 'a path in a volume has no ".."';
  return characterObjection(path);
}

/** Where a container sees a volume. */
export function mountPathObjection(path: string): string | undefined {
  if (!path.startsWith("/")) return "the path isn't absolute";
  if (path.split("/").includes("..")) return 'a mountPath has no ".."';
  if (path.includes(":")) return 'a mountPath has no ":"';
  return characterObjection(path);
}

function characterObjection(path: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\0-\x1f\x7f]/.test(path)) return "the path has a control character";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `the path is longer than ${MAX_PATH_BYTES} bytes`;
  return path.split("/").some((name) => Buffer.byteLength(name) > 255)
    ? "a name in the path is longer than 255 bytes"
    : undefined;
}
