// How a container's mounts come about in a mount namespace of its own: what to open, what to bind where. Pure over a view
// of the file system. Plans no change to any file or directory of the machine's.

import { dirname, isAbsolute, join, normalize, relative } from "node:path";
import { programRoot, stashDirectory } from "./pod-root.ts";

export interface ContainerMount {
  /** A file or a directory, absolute: as the supervisor sees it, or as the pod does where it is the machine's. */
  readonly source: string;
  /**
   * Whose to write the source is: the mesh's alone, so that links in it are to be trusted; the apps' of the pod, so that
   * none is; or the machine's users', of which the mesh makes nothing and shows nothing that the pod's user can't reach;
   * unless it is an image's, which whoever started the mesh named to be shown.
   */
  readonly origin: "mesh" | "pod" | "machine" | "image";
  /** Absolute; needn't exist on the machine. */
  readonly target: string;
  readonly readOnly?: boolean;
  /** A path below the source to mount instead of the source itself. */
  readonly subPath?: string;
}

export interface FileSystemView {
  /** Of the machine as pods see it, and so the paths of the methods below. Links are followed. */
  kindOf(path: string): "directory" | "file" | "absent";
  /** The path without symbolic links; the path exists. */
  realPath(path: string): string;
  /** True on the mesh's own tmpfs, where making a directory doesn't touch the machine. */
  isOwn(path: string): boolean;
  /** Permission bits, for a directory that exists. */
  ownership(path: string): { readonly mode: number; readonly uid: number; readonly gid: number };
  /** Options that a read-only remount must repeat, such as `nosuid`: without them the kernel refuses it in a user namespace. */
  lockedOptions(path: string): readonly string[];
  /** The same directory or file of the mesh's where the pod's namespace has it, links followed; undefined where it isn't the pod's. */
  ofPod(path: string): { readonly path: string; readonly kind: "directory" | "file" | "absent" } | undefined;
}

/** One line of the container's script: a verb and its words. */
export type MountStep =
  /** Covers a directory with a tmpfs that shows its entries (all, or those listed), so that others can be made in it. */
  | {
      readonly verb: "open";
      readonly directory: string;
      readonly mode: number;
      readonly entries?: readonly string[];
    }
  | MountBind;

export interface MountBind {
  readonly verb: "bind";
  /** In the pod's mount namespace, without links. */
  readonly directory: string;
  /** Below it, one directory at a time, each no link. */
  readonly subPath: string;
  /** Makes directories of `subPath` that aren't there. */
  readonly makesSubPath: boolean;
  /** The file in that directory, if it isn't the directory itself. */
  readonly file?: string;
  readonly options: readonly string[];
  /** For programs, without links. */
  readonly base: string;
  /** Below it, made where it isn't there. */
  readonly rest: string;
}

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
  const done: PlacedMount[] = [];
  const sorted = [...request.mounts].sort((a, b) => (a.target < b.target ? -1 : 1));
  const targets = sorted.map(({ target }) => target).filter(isAbsolute);
  const places = targets.map((target) => placeOf(withoutSlash(target), view));
  const isCovered = (path: string) => places.some((place) => path === place || path.startsWith(`${place}/`));
  for (const mount of sorted) {
    const source = resolveSource(mount, { ...request, isCovered }, view);
    if ("sentence" in source) return { kind: "refused", sentence: source.sentence };
    const place = placeTarget(mount.target, { kind: source.kind, done, opened, view });
    if ("sentence" in place) return { kind: "refused", sentence: place.sentence };
    create.push(...place.create);
    steps.push(...place.steps);
    const access = mount.readOnly === true ? ["ro", ...source.lockedOptions] : [];
    const { kind, lockedOptions: _, ...from } = source;
    const options = [kind === "directory" ? "rbind" : "bind", ...access];
    steps.push({ verb: "bind", ...from, options, base: place.base, rest: place.rest });
    done.push({ wanted: withoutSlash(mount.target), place: place.target, mount });
  }
  return { kind: "plan", create, steps };
}

/** The words that the container's script takes for a step. */
export function stepWords(step: MountStep): readonly string[] {
  if (step.verb === "open") {
    // No entry's name holds a slash; all of them are meant by one alone.
    const entries = step.entries?.join("/") ?? "/";
    return [step.verb, step.directory, step.mode.toString(8), entries, "", "", "", "", ""];
  }
  const { verb, directory, subPath, makesSubPath, file, options, base, rest } = step;
  const leaf = file === undefined ? "." : `${file}/${escapeMountPath(file)}`;
  const point = escapeMountPath(join(programRoot, base, rest));
  // As kubelet's: what is made in a volume is for every user, as the volume is.
  const mode = makesSubPath ? "0777" : "";
  return [verb, directory, subPath, mode, leaf, options.join(","), base === "/" ? "" : base, rest, point];
}

/** As /proc/self/mountinfo has it. */
export function escapeMountPath(path: string): string {
  return path.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

type Refusal = { readonly sentence: string };

interface MountSource extends Pick<MountBind, "directory" | "subPath" | "makesSubPath" | "file"> {
  readonly kind: "directory" | "file";
  readonly lockedOptions: readonly string[];
}

interface SourceContext extends Pick<MountRequest, "uid" | "gid"> {
  /** A mount of the container's will be in front of it. */
  isCovered(path: string): boolean;
}

function resolveSource(
  mount: ContainerMount,
  context: SourceContext,
  view: FileSystemView,
): MountSource | Refusal {
  const { source, subPath = "", target } = mount;
  if (!isAbsolute(target)) return { sentence: `Cannot mount at "${target}": the path isn't absolute` };
  if (normalize(target) === "/") return { sentence: 'Cannot mount at "/": it would hide the whole machine' };
  if (!isBelow(subPath)) {
    return { sentence: `Cannot mount subPath "${subPath}" at "${target}": it leads out of its volume` };
  }
  switch (mount.origin) {
    case "mesh":
      return meshSource(mount, view);
    case "pod":
      return podSource(mount, view);
    case "machine":
    case "image":
      return machineSource({ ...mount, source: join(source, subPath) }, context, view);
  }
}

function meshSource(
  { source, subPath = "", target }: ContainerMount,
  view: FileSystemView,
): MountSource | Refusal {
  const wanted = join(source, subPath);
  const whole = view.ofPod(source);
  const found = view.ofPod(wanted);
  if (whole === undefined || found === undefined) return notThePods(wanted, target);
  if (found.kind === "absent") return missing(wanted, target);
  if (found.path !== whole.path && !found.path.startsWith(`${whole.path}/`)) {
    return { sentence: `Cannot mount subPath "${subPath}" at "${target}": it leads out of its volume` };
  }
  return sourceAt(found.path, found.kind, view.lockedOptions(source));
}

/** What is there now may be another thing when it is mounted: the script finds out. */
function podSource(
  { source, subPath = "", target }: ContainerMount,
  view: FileSystemView,
): MountSource | Refusal {
  const volume = view.ofPod(source);
  if (volume === undefined) return notThePods(source, target);
  if (volume.kind === "absent") return missing(source, target);
  const lockedOptions = view.lockedOptions(source);
  const path = normalize(subPath).replace(/^\.?\/*|\/*$/g, "");
  const isFile = path !== "" && view.ofPod(join(source, path))?.kind === "file";
  const from = { directory: volume.path, lockedOptions };
  if (!isFile) return { ...from, kind: "directory", subPath: path, makesSubPath: path !== "" };
  const slash = path.lastIndexOf("/");
  const place = { subPath: path.slice(0, Math.max(0, slash)), makesSubPath: false };
  return { ...from, ...place, kind: "file", file: path.slice(slash + 1) };
}

function machineSource(
  { source, target, origin }: Pick<ContainerMount, "source" | "target" | "origin">,
  { isCovered, ...user }: SourceContext,
  view: FileSystemView,
): MountSource | Refusal {
  const kind = view.kindOf(source);
  if (kind === "absent") return missing(source, target);
  const real = view.realPath(source);
  const closed = ancestorsOf(real).find((directory) => !mayPass(view.ownership(directory), user));
  if (closed !== undefined && origin === "machine") {
    return {
      sentence: `Cannot mount "${source}" at "${target}": "${closed}" is closed to user ${user.uid}, as whom the container runs`,
    };
  }
  // Outside of the programs' root no mount of a container's is in front of anything; but /proc and /dev are others there,
  // which no target covers.
  const path = isCovered(real) ? real : join(programRoot, real);
  return sourceAt(path, kind, view.lockedOptions(real));
}

function sourceAt(path: string, kind: "directory" | "file", lockedOptions: readonly string[]): MountSource {
  const rest = { kind, subPath: "", makesSubPath: false, lockedOptions };
  if (kind === "directory") return { ...rest, directory: path.replace(/(.)\/$/, "$1") };
  return { ...rest, directory: dirname(path), file: path.slice(path.lastIndexOf("/") + 1) };
}

function missing(path: string, target: string): Refusal {
  return { sentence: `Cannot mount "${path}" at "${target}": it doesn't exist` };
}

function notThePods(path: string, target: string): Refusal {
  return { sentence: `Cannot mount "${path}" at "${target}": it isn't the pod's` };
}

function isBelow(path: string): boolean {
  return !isAbsolute(path) && !path.split("/").includes("..") && !path.includes("\0");
}

interface Placement {
  readonly target: string;
  readonly base: string;
  readonly rest: string;
  readonly create: readonly { readonly path: string; readonly kind: "directory" | "file" }[];
  readonly steps: readonly MountStep[];
}

/** Directories that a step covers, with the entries that stay to be seen; undefined: all. */
type OpenedDirectories = Map<string, readonly string[] | undefined>;

interface PlacedMount {
  readonly wanted: string;
  /** Without the links that are on the machine. */
  readonly place: string;
  readonly mount: ContainerMount;
}

interface PlacementContext {
  readonly kind: "directory" | "file";
  readonly done: readonly PlacedMount[];
  readonly opened: OpenedDirectories;
  readonly view: FileSystemView;
}

function placeTarget(wanted: string, { kind, done, opened, view }: PlacementContext): Placement | Refusal {
  const target = withoutSlash(wanted);
  const around = done.findLast((mount) => target.startsWith(`${mount.wanted}/`));
  // The volume hides what the machine has there, links too.
  if (around !== undefined && around.mount.origin !== "image") {
    const rest = target.slice(around.wanted.length + 1);
    const { origin, source, subPath = "" } = around.mount;
    // It is read-only in the pod, so the mesh makes the mount point: no app can lead it elsewhere.
    const create = origin === "mesh" ? [{ path: join(source, subPath, rest), kind }] : [];
    return { target: join(around.place, rest), base: around.place, rest, create, steps: [] };
  }
  const existing = deepestExisting(target, view);
  const real = view.realPath(existing);
  const place = placeOf(target, view);
  const at = (base: string): Placement => ({
    target: place,
    ...{ base, rest: relative(base, place), create: [], steps: [] },
  });
  const forbidden = protectedDirectories.find((path) => place === path || place.startsWith(`${path}/`));
  if (forbidden !== undefined || place === "/") {
    return {
      sentence: `Cannot mount at "${wanted}": "${forbidden ?? "/"}" is the machine's or the mesh's own`,
    };
  }
  const outer = done.findLast((mount) => place === mount.place || place.startsWith(`${mount.place}/`));
  if (outer?.place === place) return { sentence: `Cannot mount at "${wanted}": another volume is there` };
  if (outer !== undefined && outer.mount.origin !== "image") return at(outer.place);
  const hiding = hidingDirectory(place, opened);
  if (hiding !== undefined) return at(hiding);
  if (existing === target) {
    const found = view.kindOf(real);
    if (found === kind) return kind === "directory" ? at(place) : at(dirname(place));
    return { sentence: `Cannot mount a ${kind} at "${wanted}": a ${found} is there` };
  }
  if (view.kindOf(real) !== "directory") {
    return { sentence: `Cannot mount at "${wanted}": "${existing}" is a file` };
  }
  if (view.isOwn(real)) return { ...at(real), create: [{ path: place, kind }] };
  if (opened.has(real)) return at(real);
  opened.set(real, undefined);
  const mode = view.ownership(real).mode;
  return { ...at(real), steps: [{ verb: "open", directory: real, mode }] };
}

function withoutSlash(path: string): string {
  return normalize(path).replace(/(.)\/$/, "$1");
}

// Programs, the mesh among them, find here what processes and devices there are.
const protectedDirectories = ["/proc", "/sys", "/dev", dirname(stashDirectory)] as const;

function hidingDirectory(path: string, opened: OpenedDirectories): string | undefined {
  const found = [...opened].find(([directory, entries]) => {
    if (entries === undefined || !path.startsWith(directory === "/" ? "/" : `${directory}/`)) return false;
    const [entry = ""] = relative(directory, path).split("/");
    return !entries.includes(entry);
  });
  return found?.[0];
}

/** Without the links that are on the machine. */
function placeOf(target: string, view: FileSystemView): string {
  const existing = deepestExisting(target, view);
  return join(view.realPath(existing), relative(existing, target));
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
    const real = view.realPath(path);
    for (const directory of ancestorsOf(real)) {
      if (mayPass(view.ownership(directory), { uid, gid })) continue;
      const [entry = ""] = relative(directory, real).split("/");
      const entries = entriesByDirectory.get(directory) ?? new Set();
      entriesByDirectory.set(directory, entries.add(entry));
    }
  }
  return [...entriesByDirectory]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([directory, entries]) => ({ verb: "open", directory, mode: 0o755, entries: [...entries].sort() }));
}

/** From the root down to the one that holds the path. */
function ancestorsOf(path: string): readonly string[] {
  const parts = path.split("/").slice(1).filter(Boolean);
  return parts.map((_, depth) => `/${parts.slice(0, depth).join("/")}`);
}

function mayPass(
  directory: { mode: number; uid: number; gid: number },
  { uid, gid }: { uid: number; gid: number },
): boolean {
  if (directory.uid === uid) return (directory.mode & 0o100) !== 0;
  if (directory.gid === gid) return (directory.mode & 0o010) !== 0;
  return (directory.mode & 0o001) !== 0;
}
