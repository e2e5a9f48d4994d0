// Holds a test cluster: `node --import tsx tests/kubernetes/cluster/run-cluster.ts DESCRIPTION.json`. It writes the
// description when all is ready, prints `ready`, and removes everything at SIGINT, SIGTERM or the end of its input.

import { writeFileSync } from "node:fs";
import { startCluster } from "./cluster.ts";

const [descriptionPath] = process.argv.slice(2);
if (descriptionPath === undefined) {
  console.error("usage: run-cluster.ts DESCRIPTION.json");
  process.exit(2);
}
const ended = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  process.stdin.once("end", resolve).resume();
});
const cluster = await startCluster({ onProgress: (sentence) => console.log(`cluster: ${sentence} …`) });
writeFileSync(descriptionPath, JSON.stringify(cluster.description), { mode: 0o600 });
console.log("ready");
await ended;
await cluster.close();
process.exit();
