// Certificate files that the mesh's config names by their path in a proxy's container. The agent lives outside of that,
// so paths are looked up in the container's volumes, and nothing but those is read: whoever writes a DestinationRule
// must not reach the machine's files by it. Links count as they do in the pod.

import { open } from "node:fs/promises";
import { join, normalize } from "node:path";
import type { CertificateFile, CertificateFiles } from "../../agent/certificate-file.ts";
import {
  ownCertificateFiles,
  READ_FLAGS,
  readCertificateFile,
  watchDirectory,
} from "../../agent/certificate-file.ts";
import { SYSTEM_ROOTS } from "../../agent/file-secrets.ts";
import type { FileReader } from "../sandbox/contained-file.ts";
import { openContained } from "../sandbox/contained-file.ts";
import { resolveIn } from "../sandbox/file-system-view.ts";
import type { ContainerMount } from "../sandbox/mount-plan.ts";
import { coverOf } from "./covering-volumes.ts";
import type { Resolution } from "./resolution.ts";

export interface ProxyFilesOptions {
  /** Of the proxy's container, as they are now. */
  readonly mounts: () => Promise<Resolution<readonly ContainerMount[]>>;
  /** The machine's files as pods see them, from here. */
  readonly machineRoot: string;
  readonly reader: FileReader;
}

export interface ProxyFiles extends CertificateFiles {
  /** The objects that volumes show have changed. */
  refresh(): void;
}

export function createProxyFiles(options: ProxyFilesOptions): ProxyFiles {
  const watchers = new Set<() => void>();
  return {
    async read(path) {
      const mounts = await options.mounts();
      if (mounts.kind === "unresolved") return none(path, mounts.problem.message);
      return readMounted(path, mounts.value, options);
    },
    watch(path, changed) {
      watchers.add(changed);
      let endings: readonly (() => void)[] = [];
      let isWatched = true;
      const watchPlaces = async (): Promise<void> => {
        const mounts = await options.mounts();
        if (!isWatched || mounts.kind === "unresolved") return;
        endings = placesOf(path, mounts.value, options).map((place) => watchDirectory(place, changed));
      };
      // A volume that can't be made is told by who reads.
      watchPlaces().catch(() => undefined);
      return () => {
        isWatched = false;
        watchers.delete(changed);
        for (const end of endings) end();
      };
    },
    refresh() {
      for (const changed of watchers) changed();
    },
  };
}

/** A mount's directory, where kubelet's way of writing swaps a link, and the file's own; links may lead it elsewhere. */
function placesOf(
  path: string,
  mounts: readonly ContainerMount[],
  { machineRoot }: ProxyFilesOptions,
): readonly string[] {
  const mount = coverOf(path, mounts);
  if (mount === undefined) return [];
  const base = mount.origin === "machine" ? join(machineRoot, mount.source) : mount.source;
  const names = namesBelow(path, mount);
  return [...new Set([base, join(base, ...names.slice(0, -1))])];
}

// As the kernel's, that more links may hardly be meant.
const MAX_LINKS = 40;

async function readMounted(
  wanted: string,
  mounts: readonly ContainerMount[],
  options: ProxyFilesOptions,
): Promise<CertificateFile> {
  let path = normalize(wanted);
  for (let linkCount = 0; linkCount <= MAX_LINKS; linkCount += 1) {
    const mount = coverOf(path, mounts);
    if (mount === undefined) {
      // Istio's image has those as well.
      if (SYSTEM_ROOTS.includes(path)) return ownCertificateFiles.read(path);
      const leads = path === normalize(wanted) ? "" : `leads to ${path}, which `;
      return none(wanted, `${leads}is in no volume that the proxy's container mounts`);
    }
    const outcome = await readBelow(path, mount, { ...options, wanted });
    if (outcome.kind !== "link") return outcome;
    path = outcome.path;
  }
  return none(wanted, "leads from link to link");
}

type ReadBelow = CertificateFile | { readonly kind: "link"; readonly path: string };

async function readBelow(
  path: string,
  mount: ContainerMount,
  options: ProxyFilesOptions & { readonly wanted: string },
): Promise<ReadBelow> {
  const { wanted, machineRoot, reader } = options;
  const below = namesBelow(path, mount);
  // The mesh alone writes there, for the containers that mount it: its links are to be trusted.
  if (mount.origin === "mesh") {
    return readCertificateFile(wanted, () => open(join(mount.source, ...below), READ_FLAGS));
  }
  const isMachines = mount.origin === "machine";
  const source = isMachines ? resolveIn(machineRoot, mount.source) : mount.source;
  if (source === undefined) return none(wanted, `is in "${mount.source}", which doesn't exist`);
  const before = isMachines ? namesOf(source) : [];
  const place = { directory: isMachines ? machineRoot : source, names: [...before, ...below], reader };
  let other: ReadBelow | undefined;
  const read = await readCertificateFile(wanted, async () => {
    const opened = await openContained(place);
    if (opened.kind === "file") return opened.handle;
    if (opened.kind === "closed") {
      other = none(wanted, `is closed to user ${reader.uid}, as whom the proxy runs`);
    } else {
      const inTarget = opened.at - before.length - namesOf(mount.subPath ?? "").length;
      other = followLink(path, mount, { inTarget, link: opened.target, wanted });
    }
    throw new Error("not opened");
  });
  return other ?? read;
}

/** The link is the name at place `inTarget` below where the volume is mounted. */
function followLink(
  path: string,
  mount: ContainerMount,
  { inTarget, link, wanted }: { readonly inTarget: number; readonly link: string; readonly wanted: string },
): ReadBelow {
  if (inTarget < 0) return none(wanted, `is in subPath "${mount.subPath ?? ""}", which leads out by a link`);
  const names = namesOf(path);
  const at = namesOf(mount.target).length + inTarget;
  const from = link.startsWith("/") ? [] : names.slice(0, at);
  return { kind: "link", path: join("/", ...from, link, ...names.slice(at + 1)) };
}

/** From a mount's source to the file. */
function namesBelow(path: string, { target, subPath = "" }: ContainerMount): readonly string[] {
  return [...namesOf(subPath), ...namesOf(path).slice(namesOf(target).length)];
}

function namesOf(path: string): readonly string[] {
  return normalize(path)
    .split("/")
    .filter((name) => name !== "" && name !== ".");
}

function none(path: string, what: string): CertificateFile {
  return { kind: "none", reason: `${path} ${what}` };
}
