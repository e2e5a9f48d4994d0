// The images of a test cluster: the pause container, DNS, what the tests' pods run, and ours, made from the checkout.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { findEnvoy } from "../../../src/agent/envoy-binary.ts";
import { formatProblem } from "../../../src/core/problem.ts";
import { buildCniShim } from "../../../tools/images/build-cni-shim.ts";
import { FileTree } from "../../../tools/images/file-tree.ts";
import type { Image } from "../../../tools/images/image.ts";
import { ownArchitecture } from "../../../tools/images/image.ts";
import { packOciLayout, writeOciLayout } from "../../../tools/images/oci-layout.ts";
import {
  bookshopImage,
  nodeLayer,
  packetFilterLayer,
  productImageNames,
  productImages,
} from "../../../tools/images/product-images.ts";
import { coreDnsPath, findProgram } from "./cached-programs.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const ROOT_USER = "0:0";

/** Needs built bundles (`npm run build`); images whose program this machine lacks are left out. */
export async function writeClusterImages(folder: string): Promise<string> {
  const images = [...systemImages(), ...applicationImages(await echoLayer()), ...(await ownImages())];
  const layout = join(folder, "images");
  await writeOciLayout(layout, images, { architecture: ownArchitecture(), tag: "1" });
  const archive = join(folder, "images.tar");
  await packOciLayout(layout, archive);
  await rm(layout, { recursive: true });
  return archive;
}

/** With the version as tag, as the installer asks for them. */
async function ownImages(): Promise<readonly Image[]> {
  const found = await findEnvoy({ env: process.env, mayFetch: false });
  if ("problem" in found) throw new Error(formatProblem(found.problem));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const names = productImageNames.filter((name) =>
    existsSync(join(root, `dist/${name.replace("meltemi/", "")}.js`)),
  );
  const images = productImages(names, {
    root,
    envoyPath: found.envoy.path,
    ...(names.includes("meltemi/cni") && { cniShimPath: buildCniShim(root) }),
  });
  return images.map((image) => ({ ...image, name: `${image.name}:${version}` }));
}

function systemImages(): readonly Image[] {
  const coreDns = new FileTree().program("/coredns", coreDnsPath());
  return [
    { ...busyboxImage("meltemi-test/pause"), command: ["sleep", "infinity"] },
    { ...busyboxImage("busybox"), command: ["sh"] },
    {
      name: "meltemi-test/net-tools",
      entrypoint: [],
      user: ROOT_USER,
      layers: [packetFilterLayer().directory("/run")],
    },
    { name: "meltemi-test/coredns", entrypoint: ["/coredns"], user: ROOT_USER, layers: [coreDns] },
  ];
}

const busyboxTree = () => {
  const program = requireProgram("busybox");
  return new FileTree()
    .multiCallProgram("/bin/busybox", program, [
      "sh",
      "sleep",
      "cat",
      "echo",
      "ls",
      "wget",
      "nc",
      "ip",
      "id",
      "env",
    ])
    .directory("/tmp", 0o1777);
};

function busyboxImage(name: string): Image {
  return { name, entrypoint: ["/bin/busybox"], user: ROOT_USER, layers: [busyboxTree()] };
}

/** The bookshop's, the echo server of the mesh's tests, Redis and curl under their public names. */
function applicationImages(echo: FileTree): readonly Image[] {
  const base = nodeLayer();
  const hasBookshop = existsSync(join(root, "dist/examples/bookshop"));
  return [
    ...(hasBookshop ? [bookshopImage(base, root)] : []),
    {
      name: "meltemi-test/echo",
      entrypoint: ["/usr/bin/node"],
      command: ["/app/echo.mjs"],
      user: "1000:1000",
      layers: [base, echo],
    },
    ...toolImages(),
  ];
}

/** Bundled with the packages that they use. */
async function echoLayer(): Promise<FileTree> {
  const folder = join(root, "tests/e2e/mesh/app");
  const { outputFiles } = await build({
    entryPoints: readdirSync(folder).map((name) => join(folder, name)),
    outdir: "/app",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // Packages in CommonJS ask for `require`, which modules lack.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    write: false,
    logLevel: "warning",
  });
  const tree = new FileTree();
  for (const file of outputFiles) tree.text(file.path, file.text);
  return tree;
}

function toolImages(): readonly Image[] {
  const redis = findProgram("redis-server");
  const curl = new FileTree()
    .program("/usr/bin/curl", requireProgram("curl"))
    .multiCallProgram("/usr/bin/busybox", requireProgram("busybox"), ["sh", "sleep", "cat", "env", "id"])
    .text("/etc/nsswitch.conf", "hosts: files dns\n")
    .directory("/tmp", 0o1777);
  const images: Image[] = [
    { name: "curlimages/curl:8.11.0", entrypoint: ["/usr/bin/curl"], user: "100:101", layers: [curl] },
  ];
  if (redis === undefined) return images;
  const tree = new FileTree().program("/usr/bin/redis-server", redis).directory("/tmp", 0o1777);
  const entrypoint = ["/usr/bin/redis-server"];
  return [...images, { name: "redis:7", entrypoint, user: "999:999", workingFolder: "/tmp", layers: [tree] }];
}

function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`Cannot make the tests' images: this machine has no ${name}`);
  return path;
}
