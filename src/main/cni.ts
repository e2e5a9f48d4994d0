// The DaemonSet's program on each node.

import { runNode } from "../cni/run-node.ts";
import { endOnFault } from "../process/last-handler.ts";
import { createLineLogger } from "../process/line-logger.ts";

async function main(): Promise<void> {
  const log = createLineLogger(process.env.MELTEMI_LOG_LEVEL, "cni");
  endOnFault(log);
  await runNode(process.env, log);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`cni: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
