// Runs as root in a fresh network namespace: one injected pod whose proxy is ended in every way that there is, and an
// application that holds a request back meanwhile. Prints what was seen as JSON; the test judges it.

import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { askAgent } from "../../../src/agent/pod/agent-request.ts";
import { APP, POD_IP, PROXY, prepareInjectedPod, run, setUpNetwork, shopObjects } from "./injected-pod.ts";
import { startPodControlPlane } from "./pod-control-plane.ts";

const [directory = "", programPath = "", envoyPath = ""] = process.argv.slice(2);
const DEADLINE_MS = 20_000;

setUpNetwork();
const controlPlane = await startPodControlPlane(15012, shopObjects);
const held: ServerResponse[] = [];
const app = createServer((request, response) => {
  if (request.url === "/held") held.push(response);
  else response.end("done");
});
app.listen(9080, POD_IP);
await once(app, "listening");

type Metadata = Readonly<Record<string, string>>;
const podWith = (proxyMetadata: Metadata) =>
  prepareInjectedPod({ directory, programPath, envoyPath, controlPlane, proxyMetadata });
const { initArgs, runAgent } = podWith({});
await runAgent(initArgs, { uid: 0, gid: 0 });

const longDrain = { TERMINATION_DRAIN_DURATION_SECONDS: "60" };
const seen = {
  readiness: await readiness(),
  crash: await crash(),
  drained: await drained({ TERMINATION_DRAIN_DURATION_SECONDS: "3" }),
  zero: await drained({ EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true", MINIMUM_DRAIN_DURATION: "200ms" }),
  hurried: await hurried(),
  quit: await quit("--debug-port=15020"),
  envoyQuit: await quit("--debug-port=15000"),
  refused: await refused(),
};
console.log(JSON.stringify(seen));
process.exit();

interface Running {
  readonly agent: ChildProcess;
  readonly log: () => string;
  /** Settles with how it ended. */
  readonly exited: Promise<{ code: number | null; atMs: number }>;
}

function start(metadata: Metadata): Running {
  const agent = podWith(metadata).startProxy();
  let log = "";
  for (const stream of [agent.stdout, agent.stderr])
    stream?.on("data", (data) => {
      log += String(data);
    });
  const exited = once(agent, "close").then(([code]) => ({ code, atMs: performance.now() }));
  return { agent, log: () => log, exited };
}

async function startReady(metadata: Metadata): Promise<Running> {
  const running = start(metadata);
  const { code } = await waitForProxy("20");
  if (code !== 0) throw new Error(`the proxy isn't ready\n${running.log()}`);
  return running;
}

function waitForProxy(timeoutSeconds: string) {
  return runAgent(["wait", "--timeoutSeconds", timeoutSeconds], PROXY);
}

async function readiness() {
  const rule = ["OUTPUT", "-p", "tcp", "--dport", "15012", "-j", "REJECT", "--reject-with", "tcp-reset"];
  spawnSync("iptables", ["-I", ...rule]);
  const { agent, exited } = start({});
  const without = await waitForProxy("3");
  spawnSync("iptables", ["-D", ...rule]);
  const withConfig = await waitForProxy("30");
  agent.kill("SIGTERM");
  return { without: without.code, withConfig: withConfig.code, exitCode: (await exited).code };
}

async function crash() {
  const { agent, exited } = await startReady({});
  const first = envoyPid(agent);
  process.kill(first, "SIGKILL");
  await until(() => ![first, 0].includes(envoyPid(agent)));
  const again = await waitForProxy("20");
  const isSameAgent = agent.exitCode === null;
  agent.kill("SIGTERM");
  return { again: again.code, isSameAgent, exitCode: (await exited).code };
}

/** 0 while there is none. */
function envoyPid({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}

/** SIGTERM under a request that ends two seconds later, and others meanwhile. */
async function drained(metadata: Metadata) {
  const { agent, exited, log } = await startReady(metadata);
  const answer = call("/held");
  await until(() => held.length === 1);
  const stoppedMs = performance.now();
  agent.kill("SIGTERM");
  await until(async () => (await readinessStatus()) === 503);
  const others: string[] = [];
  while (performance.now() < stoppedMs + 2_000) others.push(await call("/"));
  const wasRunning = agent.exitCode === null;
  const releasedMs = performance.now();
  held.pop()?.end("at last");
  const { code, atMs } = await exited;
  const times = { stopMs: Math.round(atMs - stoppedMs), afterReleaseMs: Math.round(atMs - releasedMs) };
  return { answer: await answer, others, wasRunning, exitCode: code, ...times, log: log() };
}

async function hurried() {
  const { agent, exited } = await startReady(longDrain);
  const stoppedMs = performance.now();
  agent.kill("SIGINT");
  await until(async () => (await readinessStatus()) === 503);
  agent.kill("SIGTERM");
  const { code, atMs } = await exited;
  return { exitCode: code, stopMs: Math.round(atMs - stoppedMs) };
}

async function quit(port: string) {
  const { exited } = await startReady(longDrain);
  const stoppedMs = performance.now();
  const asked = await runAgent(["request", port, "POST", "quitquitquit"], PROXY);
  const { code, atMs } = await exited;
  return { asked: asked.code, exitCode: code, stopMs: Math.round(atMs - stoppedMs) };
}

async function refused() {
  const path = join(directory, "override.yaml");
  writeFileSync(path, "node: [nonsense]\n", { mode: 0o644 });
  const { exited, log } = start({ ISTIO_BOOTSTRAP_OVERRIDE: path });
  const { code } = await exited;
  return { exitCode: code, log: log() };
}

async function readinessStatus(): Promise<number | undefined> {
  const url = new URL(`http://${POD_IP}:15021/healthz/ready`);
  return (await askAgent({ method: "GET", url, timeoutMs: 2_000 }).catch(() => undefined))?.status;
}

/** The app calls its own service: out through its proxy, and in again through it. */
async function call(path: string): Promise<string> {
  const program = `fetch("http://10.96.0.1:9080${path}", { headers: { host: "reviews" } })
    .then(async (answer) => answer.status + " " + await answer.text())
    .then(console.log, (error) => console.log(String(error.cause ?? error)))`;
  return (await run([process.execPath, "-e", program], APP)).stdout.trim();
}

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  const stopAtMs = performance.now() + DEADLINE_MS;
  while (!(await claim())) {
    if (performance.now() > stopAtMs) throw new Error(`never: ${claim}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
