// Bundles a program of the benchmark as the shipped ones are bundled, so that its memory is what users would see.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export interface BundledProgram {
  readonly path: string;
  /** Where it may keep its socket. */
  readonly directory: string;
  remove(): Promise<void>;
}

export async function bundleProgram(source: URL): Promise<BundledProgram> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-bench-"));
  const path = join(directory, "program.mjs");
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile: path,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  return { path, directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
