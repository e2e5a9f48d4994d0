// What is in Meltemi's own images: Node, our bundles, and for pods Envoy and the programs that set up
// interception. No shell and no package manager.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { FileTree } from "./file-tree.ts";
import type { Image } from "./image.ts";
import { bundleFiles } from "./program-bundle.ts";

const HOME = "/usr/lib/meltemi";
const NONROOT = "65532:65532";
const PROXY = "1337:1337";

export interface ProductImageOptions {
  /** The checkout; its dist/ is built. */
  readonly root: string;
  /** Absolute. */
  readonly envoyPath: string;
  /** The static program that kubelet runs; without it there is no CNI image. */
  readonly cniShimPath?: string;
}

/**
 * The agent does little, and there is one in each pod: 50 MB under scrapes with these flags, 61 MB without (bench/agent). Code that is
 * never compiled needs no compiler's pages; one collection of all there is takes 8 ms.
 */
export const agentNodeFlags: readonly string[] = [
  "--jitless",
  "--no-expose-wasm",
  "--max-semi-space-size=1",
  "--single-threaded",
  "--v8-pool-size=0",
  "--optimize-for-size",
  "--expose-gc",
];

/** What an installation needs. */
export const productImageNames = ["meltemi/control-plane", "meltemi/agent", "meltemi/cni"] as const;
/** And the example. */
export const imageNames = [...productImageNames, "meltemi/bookshop"] as const;
export type ImageName = (typeof imageNames)[number];

/** The images named, which share their lowest layer. */
export function productImages(names: readonly ImageName[], options: ProductImageOptions): readonly Image[] {
  const base = nodeLayer();
  const builders: Readonly<Record<ImageName, () => Image>> = {
    "meltemi/bookshop": () => bookshopImage(base, options.root),
    "meltemi/control-plane": () => controlPlaneImage(base, options),
    "meltemi/agent": () => agentImage(base, options),
    "meltemi/cni": () => cniImage(base, options),
  };
  return names.map((name) => builders[name]());
}

/** The machine's Node with its libraries, and the few files that glibc and TLS look for. */
export function nodeLayer(): FileTree {
  const certificates = "/etc/ssl/certs/ca-certificates.crt";
  const tree = new FileTree()
    .program("/usr/bin/node", process.execPath)
    .directory("/tmp", 0o1777)
    .directory("/run")
    .symlink("/var/run", "../run")
    .text("/etc/passwd", passwordEntries.map(({ name, id }) => `${name}:x:${id}:${id}::/:/none\n`).join(""))
    .text("/etc/group", passwordEntries.map(({ name, id }) => `${name}:x:${id}:\n`).join(""))
    .text("/etc/nsswitch.conf", "hosts: files dns\n");
  return existsSync(certificates) ? tree.file(certificates, certificates) : tree;
}

const passwordEntries = [
  { name: "root", id: 0 },
  { name: "istio-proxy", id: 1337 },
  { name: "nonroot", id: 65532 },
];

/**
 * V8 optimizes a function after six times the work that it would otherwise take: compiling functions that only the start
 * calls often took 1.8 of its 4.1 CPU seconds (bench/installed). What is hot for long is optimized all the same. Both generations
 * of the heap begin at sizes that they would grow to, which saves half of the collections of a start, a tenth of its CPU.
 */
export const controlPlaneNodeFlags: readonly string[] = [
  "--interrupt-budget=400000",
  "--min-semi-space-size=16",
  "--initial-old-space-size=100",
];

function controlPlaneImage(base: FileTree, { root }: ProductImageOptions): Image {
  return {
    name: "meltemi/control-plane",
    entrypoint: ["/usr/bin/node", ...controlPlaneNodeFlags, `${HOME}/dist/control-plane.js`],
    user: NONROOT,
    env: ["NODE_ENV=production"],
    layers: [base, programLayer(root, "control-plane")],
  };
}

/** Serves as sidecar, as gateway and as init container; its program has the name that Istio's pods call. */
function agentImage(base: FileTree, { root, envoyPath }: ProductImageOptions): Image {
  const envoy = new FileTree().program("/usr/local/bin/envoy", envoyPath);
  const program = programLayer(root, "agent")
    .text(`${HOME}/pilot-agent.mjs`, '#!/usr/bin/node\nimport "./dist/agent.js";\n', 0o755)
    .symlink("/usr/local/bin/pilot-agent", `../../lib/meltemi/pilot-agent.mjs`);
  return {
    name: "meltemi/agent",
    entrypoint: ["/usr/bin/node", ...agentNodeFlags, `${HOME}/pilot-agent.mjs`],
    user: PROXY,
    env: ["NODE_ENV=production", "MELTEMI_ENVOY=/usr/local/bin/envoy"],
    layers: [base, packetFilterLayer(), envoy, program],
  };
}

function cniImage(base: FileTree, { root, cniShimPath }: ProductImageOptions): Image {
  if (cniShimPath === undefined)
    throw new Error("Cannot make meltemi/cni without its shim: give cniShimPath");
  return {
    name: "meltemi/cni",
    entrypoint: ["/usr/bin/node", `${HOME}/dist/cni.js`],
    // It enters the pods' network namespaces.
    user: "0:0",
    env: ["NODE_ENV=production"],
    layers: [
      base,
      packetFilterLayer().program("/usr/bin/nsenter", "/usr/bin/nsenter"),
      programLayer(root, "cni").program("/opt/cni/bin/meltemi-cni", cniShimPath),
    ],
  };
}

/** Which of its apps runs is said by the container's args. */
export function bookshopImage(base: FileTree, root: string): Image {
  const dist = join(root, "dist/examples/bookshop");
  const programs = new FileTree();
  for (const file of readdirSync(dist)
    .filter((name) => name.endsWith(".cjs"))
    .sort())
    programs.file(`/app/${file}`, join(dist, file));
  return {
    name: "meltemi/bookshop",
    entrypoint: ["/usr/bin/node", "/app/bookshop.cjs"],
    user: "1000:1000",
    env: ["NODE_ENV=production"],
    layers: [base, programs],
  };
}

function programLayer(root: string, program: string): FileTree {
  const dist = join(root, "dist");
  const tree = new FileTree().file(`${HOME}/package.json`, join(root, "package.json"));
  for (const file of bundleFiles(dist, program)) tree.file(`${HOME}/dist/${file}`, join(dist, file));
  return tree;
}

/** iptables with both its back ends, nft, and ip for TPROXY's routes. */
export function packetFilterLayer(): FileTree {
  const tree = new FileTree();
  const names = (backend: string) =>
    ["iptables", "ip6tables"].flatMap((family) =>
      ["", "-restore", "-save"].map((verb) => `${family}${backend === "" ? "" : `-${backend}`}${verb}`),
    );
  tree.multiCallProgram("/usr/sbin/xtables-nft-multi", "/usr/sbin/xtables-nft-multi", [
    ...names(""),
    ...names("nft"),
  ]);
  tree.multiCallProgram("/usr/sbin/xtables-legacy-multi", "/usr/sbin/xtables-legacy-multi", names("legacy"));
  tree.folder(extensionFolder(), extensionFolder());
  tree.program("/usr/sbin/nft", "/usr/sbin/nft");
  return tree.program("/usr/sbin/ip", existsSync("/usr/sbin/ip") ? "/usr/sbin/ip" : "/bin/ip");
}

/** Where Debian keeps the matches and targets that iptables loads. */
function extensionFolder(): string {
  const folder = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
    .map((triple) => `/usr/lib/${triple}/xtables`)
    .find((path) => existsSync(path));
  if (folder === undefined) throw new Error("Cannot find iptables' extensions: install the package iptables");
  return folder;
}
