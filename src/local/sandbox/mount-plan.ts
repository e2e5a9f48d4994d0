// How a container's mounts come about in a mount namespace of its own: what to create, what to open, what to bind.
// Pure over a view of the file system. Plans no change to any file or directory of the machine's.

import { dirname, isAbsolute, join, normalize, relative } from "node:path";

export interface ContainerMount {
  /** A file or a directory. */
  readonly source: string;
  /** Absolute; needn't exist on the machine. */
  readonly target: string;
  readonly readOnly?: boolean;
  /** A path below the source to mount instead of the source itself. */
  readonly subPath?: string;
}

export interface FileSystemView {
  kindOf(path: string): "directory" | "file" | "absent";
  /** The path without symbolic links; the path exists. */
  realPath(path: string): string;
  /** True on the mesh's own tmpfs, where making a directory doesn't touch the machine. */
  isOwn(path: string): boolean;
  /** Permission bits, for a directory that exists. */
  ownership(path: string): { readonly mode: number; readonly uid: number; readonly gid: number };
  /** Options that a read-only remount must repeat, such as `nosuid`: without them the kernel refuses it in a user namespace. */
  lockedOptions(path: string): readonly string[];
}

/** One line of the container's script: a verb and three words. */
export type MountStep =
  /** Covers a directory with a tmpfs that shows its entries (all, or those listed), so that others can be made in it. */
  | {
      readonly verb: "open";
      readonly directory: string;
      readonly mode: number;
      readonly entries?: readonly string[];
    }
  | { readonly verb: "make"; readonly path: string; readonly kind: "directory" | "file" }
  | { readonly verb: "bind"; readonly source: string; readonly target: string; readonly options: string };

export type MountPlan =
  | {
      readonly kind: "plan";
      /** To make beforehand, on the mesh's own file systems. */
      readonly create: readonly { readonly path: string; readonly kind: "directory" | "file" }[];
      readonly steps: readonly MountStep[];
    }
  /** One sentence: which mount is impossible, and why. */
  | { readonly kind: "refused"; readonly sentence: string };

export interface MountRequest {
  readonly mounts: readonly ContainerMount[];
  /** Paths that the user must be able to reach, though a directory above them may be closed to it, such as /root. */
  readonly reachable: readonly string[];
  readonly uid: number;
  readonly gid: number;
}

export function planMounts(request: MountRequest, view: FileSystemView): MountPlan {
  const steps: MountStep[] = [...planReach(request, view)];
  const opened: OpenedDirectories = new Map(
    steps.flatMap((step) => (step.verb === "open" ? [[step.directory, step.entries]] : [])),
  );
  const create: { path: string; kind: "directory" | "file" }[] = [];
  const done: ContainerMount[] = [];
  const sorted = [...request.mounts].sort((a, b) => (a.target < b.target ? -1 : 1));
  for (const mount of sorted) {
    const source = resolveSource(mount, view);
    if ("sentence" in source) return { kind: "refused", sentence: source.sentence };
    const place = placeTarget(mount.target, { kind: source.kind, done, opened, view });
    if ("sentence" in place) return { kind: "refused", sentence: place.sentence };
    create.push(...place.create);
    steps.push(...place.steps);
    const access = mount.readOnly === true ? ["ro", ...view.lockedOptions(source.path)] : [];
    const options = [source.kind === "directory" ? "rbind" : "bind", ...access].join(",");
    steps.push({ verb: "bind", source: source.path, target: place.target, options });
    done.push({ source: source.path, target: normalize(mount.target) });
  }
  return { kind: "plan", create, steps };
}

/** The words that the container's script takes for a step. */
export function stepWords(step: MountStep): readonly [string, string, string, string] {
  switch (step.verb) {
    case "open":
      // No entry's name holds a slash; all of them are meant by one alone.
      return [step.verb, step.directory, step.mode.toString(8), step.entries?.join("/") ?? "/"];
    case "make":
      return [step.verb, step.path, step.kind, ""];
    case "bind":
      return [step.verb, step.source, step.target, step.options];
  }
}

type Refusal = { readonly sentence: string };

function resolveSource(
  { source, subPath, target }: ContainerMount,
  view: FileSystemView,
): { path: string; kind: "directory" | "file" } | Refusal {
  if (!isAbsolute(target)) return { sentence: `Cannot mount at "${target}": the path isn't absolute` };
  if (normalize(target) === "/") return { sentence: 'Cannot mount at "/": it would hide the whole machine' };
  const path = subPath === undefined ? source : join(source, subPath);
  const kind = view.kindOf(path);
  if (kind === "absent") return { sentence: `Cannot mount "${path}" at "${target}": it doesn't exist` };
  const escapes =
    subPath !== undefined && relative(view.realPath(source), view.realPath(path)).startsWith("..");
  if (escapes)
    return { sentence: `Cannot mount subPath "${subPath}" at "${target}": it leads out of its volume` };
  return { path, kind };
}

interface Placement {
  readonly target: string;
  readonly create: readonly { readonly path: string; readonly kind: "directory" | "file" }[];
  readonly steps: readonly MountStep[];
}

/** Directories that a step covers, with the entries that stay to be seen; undefined: all. */
type OpenedDirectories = Map<string, readonly string[] | undefined>;

interface PlacementContext {
  readonly kind: "directory" | "file";
  readonly done: readonly ContainerMount[];
  readonly opened: OpenedDirectories;
  readonly view: FileSystemView;
}

function placeTarget(wanted: string, { kind, done, opened, view }: PlacementContext): Placement | Refusal {
  const target = normalize(wanted).replace(/\/$/, "");
  const outer = done.findLast((mount) => target.startsWith(`${mount.target}/`));
  if (outer !== undefined) {
    const inside = join(outer.source, target.slice(outer.target.length));
    return { target, create: view.kindOf(inside) === "absent" ? [{ path: inside, kind }] : [], steps: [] };
  }
  const existing = deepestExisting(target, view);
  const real = view.realPath(existing);
  const place = join(real, relative(existing, target));
  const make: Placement = { target: place, create: [], steps: [{ verb: "make", path: place, kind }] };
  if (isHidden(place, opened)) return make;
  if (existing === target) {
    const found = view.kindOf(real);
    if (found === kind) return { target: place, create: [], steps: [] };
    return { sentence: `Cannot mount a ${kind} at "${wanted}": a ${found} is there` };
  }
  if (view.kindOf(real) !== "directory") {
    return { sentence: `Cannot mount at "${wanted}": "${existing}" is a file` };
  }
  if (view.isOwn(real)) return { target: place, create: [{ path: place, kind }], steps: [] };
  if (opened.has(real)) return make;
  opened.set(real, undefined);
  const open = { verb: "open", directory: real, mode: view.ownership(real).mode } as const;
  return { ...make, steps: [open, ...make.steps] };
}

function isHidden(path: string, opened: OpenedDirectories): boolean {
  return [...opened].some(([directory, entries]) => {
    if (entries === undefined || !path.startsWith(`${directory}/`)) return false;
    const [entry = ""] = relative(directory, path).split("/");
    return !entries.includes(entry);
  });
}

function deepestExisting(path: string, view: FileSystemView): string {
  let current = path;
  while (current !== "/" && view.kindOf(current) === "absent") current = dirname(current);
  return current;
}

// Where a directory is closed to the user, it is covered by one that is open and shows nothing but the way.
function planReach({ reachable, uid, gid }: MountRequest, view: FileSystemView): MountStep[] {
  const entriesByDirectory = new Map<string, Set<string>>();
  for (const path of reachable) {
    if (view.kindOf(path) === "absent") continue;
    const parts = view.realPath(path).split("/").slice(1);
    for (let depth = 0; depth < parts.length; depth += 1) {
      const directory = `/${parts.slice(0, depth).join("/")}`;
      const entry = parts[depth];
      if (entry === undefined || entry === "" || mayPass(view.ownership(directory), { uid, gid })) continue;
      const entries = entriesByDirectory.get(directory) ?? new Set();
      entriesByDirectory.set(directory, entries.add(entry));
    }
  }
  return [...entriesByDirectory]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([directory, entries]) => ({ verb: "open", directory, mode: 0o755, entries: [...entries].sort() }));
}

function mayPass(
  directory: { mode: number; uid: number; gid: number },
  { uid, gid }: { uid: number; gid: number },
): boolean {
  if (directory.uid === uid) return (directory.mode & 0o100) !== 0;
  if (directory.gid === gid) return (directory.mode & 0o010) !== 0;
  return (directory.mode & 0o001) !== 0;
}
