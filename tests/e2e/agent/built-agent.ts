// The pod's program as an image has it: one bundle, readable by the proxy's user, beside the Envoy that it runs.

import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../../../src/agent/envoy-binary.ts";
import { bundleProgram } from "../../support/bundled-program.ts";

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
  const directory = await mkdtemp(join(tmpdir(), "mlt-"));
  const programPath = await bundleProgram("agent", directory);
  const envoyPath = join(directory, "envoy");
  await copyFile(found.envoy.path, envoyPath);
  await chmod(directory, 0o755);
  return {
    directory,
    programPath,
    envoyPath,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
