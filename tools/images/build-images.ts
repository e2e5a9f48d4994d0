// Writes Meltemi's images without a container engine, for the architecture of this machine:
//   node --import tsx tools/images/build-images.ts [--output FILE.tar] [--tag TAG] [--rootfs FOLDER] [IMAGE…]
// With --rootfs it puts one image's files into a folder instead, for the Dockerfile. It needs built bundles, and Go for meltemi/cni.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findEnvoy } from "../../src/agent/envoy-binary.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { buildCniShim } from "./build-cni-shim.ts";
import { ownArchitecture } from "./image.ts";
import { packOciLayout, writeOciLayout } from "./oci-layout.ts";
import type { ImageName } from "./product-images.ts";
import { imageNames, productImageNames, productImages } from "./product-images.ts";
import { unpackImage } from "./unpack-image.ts";

const root = join(import.meta.dirname, "../..");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: "string", default: "meltemi-images.tar" },
    tag: { type: "string", default: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version },
    rootfs: { type: "string" },
  },
});

const names = positionals.length > 0 ? positionals.map(parseName) : productImageNames;
const images = productImages(names, {
  root,
  envoyPath: await envoyPath(),
  ...(names.includes("meltemi/cni") && { cniShimPath: buildCniShim(root) }),
});
if (values.rootfs !== undefined) {
  for (const image of images) unpackImage(image, resolve(values.rootfs));
} else {
  const folder = mkdtempSync(join(tmpdir(), "meltemi-images-"));
  try {
    const digests = await writeOciLayout(folder, images, {
      architecture: ownArchitecture(),
      tag: values.tag,
    });
    await packOciLayout(folder, resolve(values.output));
    for (const [name, digest] of digests) console.log(`${name}:${values.tag} ${digest}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function parseName(text: string): ImageName {
  const name = imageNames.find((each) => each === text || each === `meltemi/${text}`);
  if (name !== undefined) return name;
  console.error(`Cannot make image "${text}": the images are ${imageNames.join(", ")}`);
  return process.exit(2);
}

async function envoyPath(): Promise<string> {
  const found = await findEnvoy({ env: process.env, onProgress: (sentence) => console.error(sentence) });
  if ("envoy" in found) return found.envoy.path;
  console.error(formatProblem(found.problem));
  return process.exit(3);
}
