// Are the npm packages of package-lock.json in place? Read from npm's own record, without starting npm.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** True when node_modules holds each package of the lock file, in its version. */
export function areNpmPackagesInstalled(root) {
  const installedFile = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installedFile)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    // The project itself, workspaces, and what npm leaves out on another platform.
    if (!path.startsWith("node_modules/") || entry.optional === true || entry.link === true) continue;
    const found = installed[path];
    if (found?.version !== entry.version || found.integrity !== entry.integrity) return false;
    if (!existsSync(join(root, path, "package.json"))) return false;
  }
  return true;
}
