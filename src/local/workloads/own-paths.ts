// Which of the paths that a container's process starts with are the user's own. A manifest may name any path; what an
// `images.yaml` names, or lies where the mesh was started, the user has put there. Pure.

import { normalize, resolve } from "node:path";
import type { ImageCommands } from "./image-command.ts";

export interface OwnPathsOptions {
  /** The directory that the mesh was started in. */
  readonly workingDirectory: string;
  readonly images: ImageCommands;
}

/**
 * `words` are the process' argv, read from its directory `cwd`; a word without a slash is no path. Absolute and
 * normalized, `cwd` among them where it is the user's own; whether anything is there isn't asked.
 */
export function ownPaths(
  words: readonly string[],
  cwd: string,
  { workingDirectory, images }: OwnPathsOptions,
): readonly string[] {
  const named = new Set(
    [...images.values()].flatMap(({ command, args = [], workingDir = workingDirectory }) => [
      ...pathsAmong([...command, ...args], workingDir),
      normalize(workingDir),
    ]),
  );
  const isOwn = (path: string) =>
    named.has(path) || path === workingDirectory || path.startsWith(`${workingDirectory}/`);
  return [...new Set([...pathsAmong(words, cwd), normalize(cwd)])].filter(isOwn);
}

function pathsAmong(words: readonly string[], directory: string): readonly string[] {
  return words.filter((word) => word.includes("/")).map((word) => resolve(directory, word));
}
