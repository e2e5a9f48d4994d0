// Holds a test cluster: `node --import tsx tests/kubernetes/cluster/run-cluster.ts DESCRIPTION.json`. It writes the
// description when all is ready, prints `ready`, prints pods and warnings at each line `describe` of its input, and
// removes everything at SIGINT, SIGTERM or the end of its input.

import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { RunningCluster } from "./cluster.ts";
import { startCluster } from "./cluster.ts";

const [descriptionPath] = process.argv.slice(2);
if (descriptionPath === undefined) {
  console.error("usage: run-cluster.ts DESCRIPTION.json");
  process.exit(2);
}
const input = createInterface({ input: process.stdin });
const ended = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  input.once("close", () => resolve());
});
const cluster = await startCluster({ onProgress: (sentence) => console.log(`cluster: ${sentence} …`) });
writeFileSync(descriptionPath, JSON.stringify(cluster.description), { mode: 0o600 });
console.log("ready");
let described = Promise.resolve();
input.on("line", () => {
  described = describe(cluster);
});
await ended;
await described;
await cluster.close();
process.exit();

async function describe({ kubectl }: RunningCluster): Promise<void> {
  for (const what of [
    ["pods", "-o", "wide"],
    ["events", "--field-selector", "type=Warning"],
  ]) {
    console.log(await kubectl(["get", "--all-namespaces", ...what]).catch(String));
  }
}
