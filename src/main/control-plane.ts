// The control plane's process: on one machine beside a local store, or in a cluster.

import { parseControlPlaneSettings, USAGE } from "../plane/control-plane-settings.ts";
import { controlPlaneScopes } from "../plane/log-scopes.ts";
import { endOnFault } from "../process/last-handler.ts";
import { createScopedLogs } from "../process/process-logger.ts";
import { sourceStack } from "../process/source-stack.ts";

async function main(): Promise<void> {
  const logs = createScopedLogs("control-plane", controlPlaneScopes);
  endOnFault(logs.default);
  const settings = parseControlPlaneSettings(process.argv.slice(2), process.env);
  if (settings === undefined) throw new Error(USAGE);
  if (settings.mode === "local") {
    const { runLocalControlPlane } = await import("./local-control-plane.ts");
    return runLocalControlPlane(settings, logs);
  }
  const { runClusterControlPlane } = await import("./cluster-control-plane.ts");
  return runClusterControlPlane(settings, logs);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `control plane: ${error instanceof Error ? sourceStack(error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
