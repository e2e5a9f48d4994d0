// What people find in a proxy's container besides Envoy: `pilot-agent`, as in Istio's image. On a cluster it is the
// container's own program; here it is one file for all pods of the mesh, which runs the agent's program.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../../core/shell-word.ts";

/** Below the directory of all pods' sockets; pods see it read-only, and only their proxies. */
export function proxyProgramsDirectory(runDirectory: string): string {
  return join(runDirectory, "bin");
}

export function writeProxyPrograms(runDirectory: string, agentArgv: readonly string[]): void {
  const directory = proxyProgramsDirectory(runDirectory);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "pilot-agent");
  writeFileSync(file, `#!/bin/sh\nexec ${agentArgv.map(shellWord).join(" ")} "$@"\n`);
  // Whatever this process's umask is.
  chmodSync(directory, 0o755);
  chmodSync(file, 0o755);
}
