// The Debian packages that the mesh, its example and its tests need, found by their programs, and installed by
// apt-get where we are root. It starts no service: what a package brings is only unpacked and configured.

import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runCommand } from "./run-command.mjs";
import { SetUpError } from "./set-up-error.mjs";

/**
 * `demo` needs what the mesh and the bookshop need on the machine, `test` that and what the tests of the local mode
 * use, `kubernetes` all.
 */
const wantedPrograms = [
  { program: "iptables-restore", package: "iptables", purposes: ["demo", "test"] },
  { program: "ip", package: "iproute2", purposes: ["demo", "test"] },
  { program: "unshare", package: "util-linux", purposes: ["demo", "test"] },
  { program: "nsenter", package: "util-linux", purposes: ["demo", "test"] },
  { program: "setpriv", package: "util-linux", purposes: ["demo", "test"] },
  { program: "mount", package: "mount", purposes: ["demo", "test"] },
  { program: "sysctl", package: "procps", purposes: ["demo", "test"] },
  { program: "slirp4netns", package: "slirp4netns", purposes: ["demo", "test"] },
  { program: "newuidmap", package: "uidmap", purposes: ["demo", "test"] },
  { program: "redis-server", package: "redis-server", purposes: ["demo", "test"] },
  { program: "curl", package: "curl", purposes: ["demo", "test"] },
  { program: "openssl", package: "openssl", purposes: ["test"] },
  { program: "tcpdump", package: "tcpdump", purposes: ["test"] },
  { program: "prometheus", package: "prometheus", purposes: ["test"] },
  { program: "containerd", package: "containerd", purposes: [] },
  { program: "runc", package: "runc", purposes: [] },
  { program: "ptp", package: "containernetworking-plugins", purposes: [] },
  { program: "conntrack", package: "conntrack", purposes: [] },
  { program: "nft", package: "nftables", purposes: [] },
  { program: "busybox", package: "busybox-static", purposes: [] },
  { program: "unzip", package: "unzip", purposes: [] },
  { program: "gcc", package: "gcc", purposes: [] },
];

/** Packages that `purpose` needs and whose programs are in none of `folders`, each once. */
export function missingPackages(purpose, folders = programFolders(process.env)) {
  const isPresent = (program) => folders.some((folder) => isExecutable(join(folder, program)));
  const missing = wantedPrograms.filter(
    (each) => (purpose === "kubernetes" || each.purposes.includes(purpose)) && !isPresent(each.program),
  );
  return [...new Set(missing.map((each) => each.package))];
}

/**
 * PATH, and the folders for administrators that users' PATHs lack, and root's where `su` was called without `-`,
 * and the folder of programs that only container runtimes call.
 */
function programFolders(env) {
  const onPath = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...onPath, "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/cni"];
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs `packages`, or throws a SetUpError that names them and the command to get them. */
export async function installPackages(
  packages,
  { isRoot, policyFile = "/usr/sbin/policy-rc.d", env = process.env },
) {
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (!isRoot) throw new SetUpError(`Cannot go on without ${packages.join(", ")}: run \`sudo ${command}\``);
  const removePolicy = forbidServiceStarts(policyFile);
  try {
    let result = await aptGet(["install", "-y", "--no-install-recommends", ...packages], env);
    if (result.code !== 0) {
      // A fresh machine has no package lists, and old lists name versions that are gone.
      await aptGet(["update"], env);
      result = await aptGet(["install", "-y", "--no-install-recommends", ...packages], env);
    }
    if (result.code === 0) return;
    const reason =
      result.code === -1
        ? "this isn't Debian, or apt-get is broken"
        : result.output.trim().split("\n").at(-1);
    throw new SetUpError(`Cannot install ${packages.join(", ")}: \`${command}\` failed: ${reason}`);
  } finally {
    removePolicy();
  }
}

function aptGet(args, env) {
  const options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
  return runCommand(["apt-get", ...options, ...args], { env: { ...env, DEBIAN_FRONTEND: "noninteractive" } });
}

/** Debian starts a package's daemon when it is installed (Redis on port 6379, for one) unless this file says no. */
function forbidServiceStarts(policyFile) {
  if (existsSync(policyFile)) return () => undefined;
  try {
    writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  } catch {
    return () => undefined;
  }
  return () => rmSync(policyFile, { force: true });
}
