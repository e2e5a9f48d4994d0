// An image as a declaration: what it is called, what it runs and which layers it has. Layers with the same
// files are the same bytes, so that images share them.

import type { FileTree } from "./file-tree.ts";

export type Architecture = "amd64" | "arm64";

export interface Image {
  /** Such as `meltemi/agent`, to be tagged with the version, or `redis:7`. */
  readonly name: string;
  readonly entrypoint: readonly string[];
  readonly command?: readonly string[];
  /** `UID:GID` */
  readonly user: string;
  readonly env?: readonly string[];
  readonly workingFolder?: string;
  /** The lowest first. */
  readonly layers: readonly FileTree[];
}

/** With registry and tag, as containerd and Docker name it. */
export function imageReference(name: string, tag: string): string {
  const path = name.includes("/") ? name : `library/${name}`;
  return `docker.io/${path}${path.includes(":") ? "" : `:${tag}`}`;
}

/** The architecture of this machine, whose programs the images take. */
export function ownArchitecture(): Architecture {
  if (process.arch === "x64") return "amd64";
  if (process.arch === "arm64") return "arm64";
  throw new Error(`Cannot make images on ${process.arch}: x64 and arm64 are supported`);
}
