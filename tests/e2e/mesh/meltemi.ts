// The command line on a running mesh, as its user types it.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RunningMesh } from "./running-mesh.ts";

const program = fileURLToPath(new URL("../../../bin/meltemi.mjs", import.meta.url));

/** `text` is all that it wrote; `code` is -1 where it was killed. */
export function meltemi(
  { stateDirectory }: Pick<RunningMesh, "stateDirectory">,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const env = { ...process.env, MELTEMI_STATE_DIR: stateDirectory, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, text: stdout + stderr });
    });
  });
}
