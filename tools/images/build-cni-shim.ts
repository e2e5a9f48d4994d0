// Builds the static program that kubelet's runtime calls for each pod, with Go, for the architecture of this machine.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Resolves to its path, dist/meltemi-cni; Go's cache makes it a moment where nothing has changed. */
export function buildCniShim(root: string): string {
  const target = join(root, "dist/meltemi-cni");
  execFileSync("go", ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", target, "."], {
    cwd: join(root, "cni-shim"),
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return target;
}
