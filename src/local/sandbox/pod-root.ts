// What pods see of the machine: its files, less the mesh's own. Made once for a mesh, as a tree of mounts that each pod's
// mount namespace copies and takes for its root. Changes nothing on the machine.

import { realpathSync } from "node:fs";
import { meshDirectory } from "../front/mesh-init-script.ts";
import { requireTool } from "../network/run-tool.ts";

/** Where the mesh holds the tree that becomes the root of every pod's mount namespace. */
export const podRoot = `${meshDirectory}/machine`;

/**
 * In a pod's mount namespace: the root directory of its programs. What prepares a container stays outside, so that no
 * volume can come to lie over the tools that it runs with the mesh's privileges.
 */
export const programRoot = `${meshDirectory}/root`;

/** For the supervisor: the files of the machine that pods see, less their volumes. */
export const machineAsPodsSeeIt = `${podRoot}${programRoot}`;

/** In a pod's mount namespace: the mesh's directories that are this pod's, by number. */
export const podDirectories = `${meshDirectory}/own`;
export const MAX_POD_DIRECTORIES = 6;

/** In a pod's mount namespace: where a container's mounts are made ready. */
export const stashDirectory = `${meshDirectory}/stash`;

export interface PodRootOptions {
  /** Directories that pods see empty: the mesh's state, and other meshes'. */
  readonly hidden: readonly string[];
  /** Directories that pods can't write, whoever they run as: the programs that other pods run from. */
  readonly readOnly: readonly string[];
}

/** Before the first pod; the directories exist. `lockedOptions` as in FileSystemView. */
export async function preparePodRoot(
  { hidden, readOnly }: PodRootOptions,
  lockedOptions: (path: string) => readonly string[],
): Promise<void> {
  const covers = outermost(hidden.map((path) => realpathSync(path)));
  const kept = readOnly.map((path) => realpathSync(path)).filter((path) => !covers.some(isAtOrAbove(path)));
  const words = kept.flatMap((path) => [path, ["bind", "ro", ...lockedOptions(path)].join(",")]);
  await requireTool([
    "sh",
    "-c",
    prepareScript,
    "meltemi-pod-root",
    String(covers.length),
    ...covers,
    ...words,
  ]);
}

function outermost(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].filter(
    (path, _, all) => !all.some((other) => other !== path && isAtOrAbove(path)(other)),
  );
}

function isAtOrAbove(path: string): (other: string) => boolean {
  return (other) => path === other || path.startsWith(`${other}/`);
}

// Two trees, one in the other: the pod's root, and in it its programs'. Arguments: how many directories to hide, these,
// then pairs of a read-only directory and its mount options.
const prepareScript = `
set -eu
outer=${podRoot}
mount -n --rbind / "$outer"
hide() { mount -n -t tmpfs -o "$2,size=64k" meltemi "$outer$1"; }
seal() { mount -n -o remount,bind,ro "$1"; }
count=$1
shift
while [ "$count" -gt 0 ]; do
  hide "$1" ro,mode=0555
  shift
  count=$((count - 1))
done
while [ "$#" -gt 0 ]; do
  mount -n -o "$2" "$outer$1" "$outer$1"
  shift 2
done
# Sockets of the machine's services trust whoever runs as the right user; programs may lie there (NixOS).
hide /.machine-run mode=0755
for name in current-system booted-system opengl-driver; do
  if [ -L "/.machine-run/$name" ]; then cp -P "/.machine-run/$name" "$outer/.machine-run/"; fi
done
seal "$outer/.machine-run"
hide /run/meltemi ro,mode=0555
# No disks, no terminals of others.
hide /dev mode=0755
for name in null zero full random urandom tty; do
  : > "$outer/dev/$name"
  mount -n --bind "/dev/$name" "$outer/dev/$name"
done
mkdir "$outer/dev/pts" "$outer/dev/shm"
ln -s /proc/self/fd "$outer/dev/fd"
ln -s /proc/self/fd/0 "$outer/dev/stdin"
ln -s /proc/self/fd/1 "$outer/dev/stdout"
ln -s /proc/self/fd/2 "$outer/dev/stderr"
ln -s pts/ptmx "$outer/dev/ptmx"
seal "$outer/dev"
hide ${meshDirectory} mode=0755
cd "$outer${meshDirectory}"
mkdir pod own root stash
at=0
while [ "$at" -lt ${MAX_POD_DIRECTORIES} ]; do mkdir "own/$at"; at=$((at + 1)); done
cd /
# A user namespace's root is the apps' user as well: links such as /bin must not be theirs to change.
seal "$outer"
mount -n --rbind "$outer" "$outer${programRoot}"
mount -n -t tmpfs -o mode=0755,size=64k meltemi "$outer${programRoot}${meshDirectory}"
mkdir "$outer${programRoot}${meshDirectory}/pod"
seal "$outer${programRoot}${meshDirectory}"
`;
