// The shim's program on the node: put there by one rename, so that a runtime never runs half of it.

import { chmod, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SHIM_NAME } from "./network-configuration.ts";

/** `directory` is `/opt/cni/bin` of the node. */
export async function installShim(source: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const staging = join(directory, `.${SHIM_NAME}.${process.pid}`);
  await copyFile(source, staging);
  await chmod(staging, 0o755);
  await rename(staging, join(directory, SHIM_NAME));
}

/** Only after the configuration no longer names it, or no pod could start. */
export async function removeShim(directory: string): Promise<void> {
  await rm(join(directory, SHIM_NAME), { force: true });
}
