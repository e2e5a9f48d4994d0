// The mesh that Istio's tasks are tried on: a copy of examples/tasks, run and changed by the example's own scripts,
// as its README has a user do.

import { execFile } from "node:child_process";
import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "../mesh/eventually.ts";
import type { PodClient } from "../mesh/pod-client.ts";
import type { MeshMachine, RunningMesh } from "../mesh/running-mesh.ts";
import { startMesh } from "../mesh/running-mesh.ts";

export interface TaskMesh {
  readonly mesh: RunningMesh;
  /** Folders of examples/tasks, as `kubectl apply -f` of a task's step. */
  apply(...folders: readonly string[]): Promise<void>;
  /** Takes out what was applied, but for the platform and folders to keep. */
  cleanUp(kept?: readonly string[]): Promise<void>;
  /** As that of the mesh, of a pod that may have yet to start. */
  client(workload: string): Promise<PodClient>;
  /** Runs curl in the first pod of a workload, `NAME` or `NAMESPACE/NAME`; `-sS` goes without saying. */
  curl(workload: string, ...args: readonly string[]): Promise<Output>;
  /**
   * Runs curl on the machine, for a URL without its port: the host is looked for where the machine reaches the ingress
   * gateway's port of the URL's scheme.
   */
  curlGateway(url: string, ...args: readonly string[]): Promise<Output>;
  /** A file that make-certificates made. */
  pem(file: string): string;
  close(): Promise<void>;
}

/** Of a command that has ended, whatever its exit code. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PLATFORM = "platform";
const example = fileURLToPath(new URL("../../../examples/tasks", import.meta.url));

/** Resolves when the gateways and the place to run curl from are ready. */
export async function startTaskMesh(machine?: MeshMachine): Promise<TaskMesh> {
  // Not below /tmp, which pods of bookinfo have a volume in place of; open to whoever pods run as.
  const folder = await mkdtemp("/var/tmp/meltemi-tasks-");
  await chmod(folder, 0o755);
  const script = (name: "apply" | "delete", words: readonly string[]) =>
    promisify(execFile)(join(folder, name), words);
  const remove = () => rm(folder, { recursive: true });
  let mesh: RunningMesh;
  try {
    await cp(example, folder, { recursive: true });
    await script("delete", ["--all"]);
    await script("apply", [PLATFORM]);
    await promisify(execFile)(join(folder, "make-certificates"));
    mesh = await startMesh({
      folder: join(folder, "manifests"),
      ...(machine === undefined ? {} : { machine }),
    });
  } catch (cause) {
    await remove();
    throw cause;
  }
  const applied = new Set<string>();
  return {
    mesh,
    async apply(...folders) {
      for (const each of folders) applied.add(each);
      if (folders.length > 0) await script("apply", folders);
    },
    async cleanUp(kept = []) {
      const done = [...applied].filter((folder) => !kept.includes(folder));
      if (done.length > 0) await script("delete", done);
      for (const folder of done) applied.delete(folder);
      // A step may have replaced files of these.
      await script("apply", [PLATFORM, ...kept]);
    },
    client: (workload) => eventually(() => mesh.client(workload)),
    curl: async (workload, ...args) => runCommand(await mesh.exec(workload, ["curl", "-sS", ...args])),
    async curlGateway(url, ...args) {
      const { protocol, hostname } = new URL(url);
      const { port } = new URL(await mesh.gatewayUrl(protocol === "https:" ? 443 : 80));
      const connect = ["--connect-to", `${hostname}::localhost:${port}`];
      return runCommand(["curl", "-sS", ...connect, ...args, url]);
    },
    pem: (file) => join(folder, "secrets/pem", file),
    async close() {
      await mesh.close();
      await remove();
    },
  };
}

/** Rejects only where the command can't be run at all. */
export function runCommand([program, ...args]: readonly [string, ...string[]]): Promise<Output> {
  return new Promise((resolve, reject) => {
    execFile(program, args, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ code: error.code, stdout, stderr });
      else reject(error);
    });
  });
}
