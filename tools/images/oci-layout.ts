// Writes images as one OCI image layout, a folder or a tar archive of it, that `ctr images import`, `podman load`,
// `skopeo` and Docker take. No container engine is needed. Equal inputs give equal bytes.

import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { FileTree } from "./file-tree.ts";
import type { Architecture, Image } from "./image.ts";
import { imageReference } from "./image.ts";
import type { TarEntry } from "./tar-writer.ts";
import { encodeTar } from "./tar-writer.ts";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: Architecture; readonly os: "linux" };
}

export interface LayoutOptions {
  readonly architecture: Architecture;
  readonly tag: string;
  /** Of every file and of the images; default 1 (1970). */
  readonly createdSeconds?: number;
}

const DEFAULT_CREATED_SECONDS = 1;

const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** Resolves to each image's digest by its name. */
export async function writeOciLayout(
  folder: string,
  images: readonly Image[],
  options: LayoutOptions,
): Promise<ReadonlyMap<string, string>> {
  const blobs = join(folder, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const layersByTree = new Map<FileTree, Descriptor>();
  const manifests: Descriptor[] = [];
  for (const image of images) {
    for (const tree of image.layers) {
      if (!layersByTree.has(tree)) layersByTree.set(tree, await writeLayer(blobs, tree, options));
    }
    const layers = image.layers.map((tree) => layersByTree.get(tree) as Descriptor);
    manifests.push(writeManifest(blobs, image, { layers, options }));
  }
  writeJson(join(folder, "oci-layout"), { imageLayoutVersion: "1.0.0" });
  writeJson(join(folder, "index.json"), { schemaVersion: 2, mediaType: mediaTypes.index, manifests });
  return new Map(images.map((image, index) => [image.name, manifests[index]?.digest ?? ""]));
}

/** Packs a layout's folder into one archive. */
export async function packOciLayout(folder: string, archive: string): Promise<void> {
  const blobs = readdirSync(join(folder, "blobs/sha256")).map((digest) => `blobs/sha256/${digest}`);
  const paths = [...blobs, "index.json", "oci-layout"].sort();
  const entries = paths.map(
    (path): TarEntry => ({ kind: "copy", path, mode: 0o644, source: join(folder, path) }),
  );
  await pipeline(encodeTar(entries, DEFAULT_CREATED_SECONDS), createWriteStream(archive));
}

async function writeLayer(blobs: string, tree: FileTree, options: LayoutOptions): Promise<Descriptor> {
  const staging = join(blobs, `.${randomUUID()}`);
  const hash = createHash("sha256");
  let size = 0;
  const counted = async function* () {
    for await (const piece of encodeTar(tree.entries(), options.createdSeconds ?? DEFAULT_CREATED_SECONDS)) {
      hash.update(piece);
      size += piece.length;
      yield piece;
    }
  };
  await pipeline(counted, createWriteStream(staging));
  const hex = hash.digest("hex");
  renameSync(staging, join(blobs, hex));
  return { mediaType: mediaTypes.layer, digest: `sha256:${hex}`, size };
}

function writeManifest(
  blobs: string,
  image: Image,
  { layers, options }: { layers: readonly Descriptor[]; options: LayoutOptions },
): Descriptor {
  const created = new Date((options.createdSeconds ?? DEFAULT_CREATED_SECONDS) * 1_000).toISOString();
  const platform = { architecture: options.architecture, os: "linux" } as const;
  const config = {
    created,
    ...platform,
    config: {
      User: image.user,
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...(image.env ?? [])],
      Entrypoint: image.entrypoint,
      ...(image.command && { Cmd: image.command }),
      WorkingDir: image.workingFolder ?? "/",
    },
    // The layers aren't compressed, so what they hold has the digest that they have.
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.digest) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: writeBlob(blobs, config, mediaTypes.config),
    layers,
  };
  const reference = imageReference(image.name, options.tag);
  return {
    ...writeBlob(blobs, manifest, mediaTypes.manifest),
    annotations: {
      "io.containerd.image.name": reference,
      "org.opencontainers.image.ref.name": reference.slice(reference.lastIndexOf(":") + 1),
    },
    platform,
  };
}

function writeBlob(blobs: string, value: unknown, mediaType: string): Descriptor {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash("sha256").update(bytes).digest("hex");
  writeFileSync(join(blobs, hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value));
}
