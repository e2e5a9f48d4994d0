// Runs as root in a fresh network namespace: a client's and a server's pod of given IP families, each captured, with its
// agent and Envoy. Prints what the client's application heard as JSON; the test judges it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { APP, PROXY, prepareInjectedPod, runInPod } from "./injected-pod.ts";
import { startPodControlPlane } from "./pod-control-plane.ts";
import { NODE_IPV6, type PairedPod, type PairFamilies, pairPods } from "./pod-pair-network.ts";
import { pairObjects } from "./pod-pair-objects.ts";

const [directory = "", programPath = "", envoyPath = "", families = "", urls = ""] = process.argv.slice(2);
const ROOT = { uid: 0, gid: 0 };

const pair = await pairPods(families as PairFamilies);
const { client, server } = pair;
const controlPlane = await startPodControlPlane(15012, pairObjects(client, server), NODE_IPV6);
const app = await startApp(server);
const pods = [await startPod(client), await startPod(server)] as const;
const waits = await Promise.all(
  pods.map(({ pod }) => pod.runAgent(["wait", "--timeoutSeconds", "30"], PROXY)),
);
const answers: string[] = [];
for (const url of JSON.parse(urls)) answers.push(await call(url));
const probe = await pods[1].pod.runAgent(
  ["request", "--debug-port=15020", "GET", "app-health/app/livez"],
  PROXY,
);
const dump = await pods[0].pod.runAgent(["request", "GET", "listeners"], PROXY);
for (const { agent } of pods) agent.kill("SIGTERM");
const exitCodes = await Promise.all(pods.map(async ({ ended }) => (await ended)[0]));
app.kill("SIGKILL");
pair.close();
console.log(
  JSON.stringify({
    captured: pods.map(({ captured }) => captured),
    waited: waits.map(({ code }) => code),
    answers,
    probe,
    listeners: dump.stdout,
    exitCodes,
    log: pods.map(({ log }) => log.join("")).join("\n"),
  }),
);
process.exit();

async function startPod({ name, namespacePid, addresses }: PairedPod) {
  const root = join(directory, name);
  mkdirSync(root, { mode: 0o755 });
  const pod = prepareInjectedPod({
    directory: root,
    programPath,
    envoyPath,
    controlPlane,
    controlPlaneAddress: `[${NODE_IPV6}]:15012`,
    app: name,
    podIp: addresses[0] ?? "",
    namespacePid,
  });
  const captured = await pod.runAgent(pod.initArgs, ROOT);
  const agent = pod.startProxy();
  const log: string[] = [];
  for (const stream of [agent.stdout, agent.stderr]) stream?.on("data", (data) => log.push(String(data)));
  const ended = once(agent, "exit") as Promise<[number | null]>;
  return { pod, captured, log, agent, ended };
}

/** Tells who called it, by the address that its socket sees. */
async function startApp({ namespacePid }: PairedPod) {
  const program = `require("node:http").createServer((request, response) => response.end(JSON.stringify({
      from: request.socket.remoteAddress, to: request.socket.localAddress,
      caller: request.headers["x-forwarded-client-cert"] ?? "" })))
    .listen(9080, "::", () => console.log("listening"))`;
  const argv = [
    "-t",
    String(namespacePid),
    "-n",
    `-S${APP.uid}`,
    `-G${APP.gid}`,
    process.execPath,
    "-e",
    program,
  ];
  const app = spawn("nsenter", argv, { stdio: ["ignore", "pipe", "inherit"] });
  await once(app.stdout, "data");
  return app;
}

async function call(url: string): Promise<string> {
  const program = `fetch(${JSON.stringify(url)}, { headers: { host: "server" } })
    .then((answer) => answer.text()).then(console.log, (error) => console.log(String(error.cause ?? error)))`;
  return (await runInPod(client, [process.execPath, "-e", program], APP)).stdout.trim();
}
