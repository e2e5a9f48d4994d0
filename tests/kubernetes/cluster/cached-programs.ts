// Where the programs of a test cluster are cached, outside the checkout, so that clones share them.
// It only says where they are; build-programs.ts makes them.

import { createHash } from "node:crypto";
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const kubernetesVersion = "1.36.3";

/** Folder of the Go modules that the programs are built from. */
export const binariesFolder = fileURLToPath(new URL("binaries", import.meta.url));

/** `$XDG_CACHE_HOME/meltemi/kubernetes` */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "meltemi/kubernetes");
}

/** The multi-call binary of etcd and Kubernetes' components: `cluster COMPONENT FLAG…`. */
export function clusterBinaryPath(env: NodeJS.ProcessEnv = process.env): string {
  return env.MELTEMI_CLUSTER_BINARY || join(cacheFolder(env), `${moduleKey("kubernetes")}/cluster`);
}

export function coreDnsPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), `${moduleKey("coredns")}/coredns`);
}

export function kubectlPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), `tools-${kubernetesVersion}/kubectl`);
}

export function helmPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), `tools-${kubernetesVersion}/helm`);
}

/** Why no API server can be started here, for a test's `skip`; false where one can. */
export function whyNoApiServer(): string | false {
  const programs = [clusterBinaryPath(), kubectlPath()];
  if (programs.every(isExecutable) && findProgram("openssl") !== undefined) return false;
  return "needs the cluster's programs and openssl: run `npm run test:kubernetes`, which builds them";
}

/** The same for a cluster with nodes. */
export function whyNoCluster(): string | false {
  if (process.geteuid?.() !== 0) return "needs root";
  const missing = ["containerd", "runc", "conntrack", "nsenter"].filter((name) => !findProgram(name));
  if (missing.length > 0) return `needs ${missing.join(", ")}: run \`npm run test:kubernetes\``;
  if (!isExecutable(coreDnsPath())) return "needs CoreDNS: run `npm run test:kubernetes`";
  return whyNoApiServer();
}

/** Absolute path of a program on PATH or in the folders for administrators. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Names all that a module's binary depends on, beside the Go release: its sources and the sums of its packages. */
function moduleKey(module: string): string {
  const folder = join(binariesFolder, module);
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort())
    hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  return `${module}-${hash.digest("hex").slice(0, 16)}`;
}
