// Runs as root in a fresh network namespace: one injected pod from its init container to its end, with a control plane
// beside it. Prints what was seen as JSON; the test judges it.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import {
  APP,
  POD_IP,
  PROXY,
  prepareInjectedPod,
  run,
  scrape,
  setUpNetwork,
  shopObjects,
} from "./injected-pod.ts";
import { startPodControlPlane } from "./pod-control-plane.ts";
import { residentKb, settledKb } from "./resident-memory.ts";

const [directory = "", programPath = "", envoyPath = ""] = process.argv.slice(2);

setUpNetwork();
const controlPlane = await startPodControlPlane(15012, shopObjects);
const app = createServer((request, response) =>
  response.end(
    JSON.stringify({ caller: request.headers["x-forwarded-client-cert"] ?? "", path: request.url }),
  ),
);
app.listen(9080, POD_IP);
await once(app, "listening");

const pod = prepareInjectedPod({ directory, programPath, envoyPath, controlPlane });
const { initArgs, runAgent } = pod;
const validation = [...initArgs, "--run-validation", "--skip-rule-apply"];
const uncaptured = await runAgent(validation, PROXY);
const captured = await runAgent(initArgs, { uid: 0, gid: 0 });
const validated = await runAgent(validation, PROXY);

const agent = pod.startProxy();
const log: string[] = [];
for (const stream of [agent.stdout, agent.stderr]) stream?.on("data", (data) => log.push(String(data)));
const waited = await runAgent(["wait", "--timeoutSeconds", "20"], PROXY);
const dump = await runAgent(["request", "GET", "config_dump"], PROXY);
const call = await callService();
const probe = await runAgent(["request", "--debug-port=15020", "GET", "app-health/app/livez"], PROXY);
const metrics = await runAgent(["request", "--debug-port=15020", "GET", "stats/prometheus"], PROXY);
for (let count = 0; count < 40; count++) await scrape(`http://${POD_IP}:15020/stats/prometheus`);
const scrapedKb = residentKb(agent.pid);
const memory = {
  scrapedKb,
  settledKb: await settledKb(agent.pid, { boundKb: 50 * 1024, deadlineMs: 20_000 }),
};
const drained = await runAgent(["request", "--debug-port=15020", "POST", "drain"], PROXY);
const stoppedMs = performance.now();
agent.kill("SIGTERM");
const [exitCode] = (await once(agent, "exit")) as [number | null];
const cleaned = await runAgent(["istio-clean-iptables", ...initArgs.slice(1)], { uid: 0, gid: 0 });
const left = spawnSync("sh", ["-c", "iptables-save; nft list tables"], { encoding: "utf8" }).stdout;

console.log(
  JSON.stringify({
    uncaptured,
    captured,
    validated,
    waited,
    dump: {
      code: dump.code,
      hasCluster: dump.stdout.includes("outbound|9080||reviews.shop.svc.cluster.local"),
    },
    call,
    probe: probe.code,
    metrics: metrics.stdout.includes("istio_agent_cert_expiry_timestamp_seconds"),
    memory,
    drained: drained.code,
    exitCode,
    stopMs: Math.round(performance.now() - stoppedMs),
    cleaned: cleaned.code,
    left: left.split("\n").filter((line) => /istio/i.test(line)),
    log: log.join(""),
  }),
);
process.exit();

/** The app calls its own service: out through its proxy, and in again through it, over mTLS. */
async function callService(): Promise<string> {
  const program = `fetch("http://10.96.0.1:9080/hello", { headers: { host: "reviews" } })
    .then((answer) => answer.text()).then(console.log, (error) => console.log(String(error.cause ?? error)))`;
  return (await run([process.execPath, "-e", program], APP)).stdout.trim();
}
