// The pod's program as an image has it: one bundle, readable by the proxy's user, beside the Envoy that it runs.

import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { findEnvoy } from "../../../src/agent/envoy-binary.ts";

export interface BuiltAgent {
  /** What stands for the image's root. */
  readonly directory: string;
  readonly programPath: string;
  readonly envoyPath: string;
  remove(): Promise<void>;
}

export async function buildAgent(): Promise<BuiltAgent> {
  const found = await findEnvoy({ env: process.env, mayFetch: false });
  if ("problem" in found) throw new Error(found.problem.message);
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const directory = await mkdtemp(join(tmpdir(), "mlt-"));
  await mkdir(join(directory, "dist"));
  await build({
    absWorkingDir: root,
    entryPoints: ["src/main/agent.ts"],
    outdir: join(directory, "dist"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    chunkNames: "chunks/[name]-[hash]",
    // As tools/build.mjs: packages in CommonJS ask for it.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  await copyFile(join(root, "package.json"), join(directory, "package.json"));
  const envoyPath = join(directory, "envoy");
  await copyFile(found.envoy.path, envoyPath);
  const { chmod } = await import("node:fs/promises");
  await chmod(directory, 0o755);
  return {
    directory,
    programPath: join(directory, "dist/agent.js"),
    envoyPath,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
