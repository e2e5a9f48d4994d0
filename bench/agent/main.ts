// What a pod's agent keeps in memory: idle, while it is scraped, and while its certificate is renewed. Prints JSON.
// Run as root: npm run bench -- agent --minutes 5

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildAgent } from "../../tests/e2e/agent/built-agent.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "5" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  process.stderr.write("usage: npm run bench -- agent [--minutes N]\n");
  process.exit(2);
}
const agent = await buildAgent();
try {
  const program = fileURLToPath(new URL("measure-agent.ts", import.meta.url));
  const paths = [agent.directory, agent.programPath, agent.envoyPath];
  const argv = ["--net", process.execPath, "--import", "tsx", program, ...paths, String(minutes)];
  process.exitCode = spawnSync("unshare", argv, { stdio: "inherit" }).status ?? 1;
} finally {
  await agent.remove();
}
