// The command line against a running mesh, as a user runs it.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RunningMesh } from "./running-mesh.ts";

export const program = fileURLToPath(new URL("../../../bin/meltemi.mjs", import.meta.url));

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** All that it wrote. */
  readonly text: string;
}

export function meltemi(mesh: RunningMesh, ...args: readonly string[]): Promise<CommandOutcome> {
  const env = environmentOf(mesh);
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr, text: stdout + stderr });
    });
  });
}

export function environmentOf({ stateDirectory }: RunningMesh): NodeJS.ProcessEnv {
  return { ...process.env, MELTEMI_STATE_DIR: stateDirectory, NO_COLOR: "1" };
}
