// Runs as root in a fresh network namespace: one injected pod from its init container to its end, with a control plane
// beside it. Prints what was seen as JSON; the test judges it.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { injectPod } from "../../../src/inject/inject-pod.ts";
import type { InjectablePod } from "../../../src/inject/injectable-pod.ts";
import { defaultInjectionSettings } from "../../../src/inject/injection-settings.ts";
import type { Container } from "../../../src/kinds/pod/container.ts";
import { startPodControlPlane } from "./pod-control-plane.ts";

const [directory = "", programPath = "", envoyPath = ""] = process.argv.slice(2);
const POD_IP = "10.9.0.1";
const PROXY = { uid: 1337, gid: 1337 };
const APP = { uid: 1000, gid: 1000 };

const objects = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: reviews-1, namespace: shop, labels: { app: reviews, security.istio.io/tlsMode: istio } }
spec: { serviceAccountName: reviews, containers: [{ name: app, image: shop/reviews, ports: [{ containerPort: 9080 }] }] }
status: { podIP: ${POD_IP}, phase: Running }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, namespace: shop, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: 9080 }]
endpoints: [{ addresses: ["${POD_IP}"], conditions: { ready: true }, targetRef: { kind: Pod, name: reviews-1, namespace: shop } }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: STRICT } }
`;

setUpNetwork();
const controlPlane = await startPodControlPlane(15012, objects);
const app = createServer((request, response) =>
  response.end(
    JSON.stringify({ caller: request.headers["x-forwarded-client-cert"] ?? "", path: request.url }),
  ),
);
app.listen(9080, POD_IP);
await once(app, "listening");

const pod = injectedPod();
const init = containerOf(pod, "istio-init");
const proxy = containerOf(pod, "istio-proxy");
const env = { ...environmentOf(pod, proxy), MELTEMI_POD_ROOT: directory, MELTEMI_ENVOY: envoyPath };
writePodFiles();

const validation = [...(init.args ?? []), "--run-validation", "--skip-rule-apply"];
const uncaptured = await runAgent(validation, PROXY);
const captured = await runAgent(init.args ?? [], { uid: 0, gid: 0 });
const validated = await runAgent(validation, PROXY);

const agent = spawn(process.execPath, [programPath, ...expand(proxy.args ?? [])], {
  ...PROXY,
  env: { PATH: process.env.PATH, ...env },
  stdio: ["ignore", "pipe", "pipe"],
});
const log: string[] = [];
for (const stream of [agent.stdout, agent.stderr]) stream.on("data", (data) => log.push(String(data)));
const waited = await runAgent(["wait", "--timeoutSeconds", "20"], PROXY);
const dump = await runAgent(["request", "GET", "config_dump"], PROXY);
const call = await callService();
const probe = await runAgent(["request", "--debug-port=15020", "GET", "app-health/app/livez"], PROXY);
const metrics = await runAgent(["request", "--debug-port=15020", "GET", "stats/prometheus"], PROXY);
const memory = readFileSync(`/proc/${agent.pid}/status`, "utf8").match(/(?:VmRSS|RssAnon|RssFile):.*/g);
const drained = await runAgent(["request", "--debug-port=15020", "POST", "drain"], PROXY);
const stoppedMs = performance.now();
agent.kill("SIGTERM");
const [exitCode] = (await once(agent, "exit")) as [number | null];
const cleaned = await runAgent(["istio-clean-iptables", ...(init.args ?? []).slice(1)], { uid: 0, gid: 0 });
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

function setUpNetwork(): void {
  const script = `ip link set lo up; ip link add br0 type bridge; ip addr add ${POD_IP}/24 dev br0
    ip link set br0 up; ip route add 10.96.0.0/16 dev br0`;
  const { status, stderr } = spawnSync("sh", ["-ec", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function injectedPod(): InjectablePod {
  const app: Container = {
    name: "app",
    image: "shop/reviews",
    ports: [{ containerPort: 9080 }],
    livenessProbe: { httpGet: { path: "/health", port: 9080 } },
  };
  const metadata = { name: "reviews-1", namespace: "shop", labels: { app: "reviews" } };
  const meshConfig = {
    defaultConfig: { terminationDrainDuration: "1s", drainDuration: "1s", concurrency: 1 },
  };
  const settings = { ...defaultInjectionSettings, meshConfig, controlPlaneAddress: "127.0.0.1:15012" };
  const spec = { containers: [app], serviceAccountName: "reviews" };
  const injection = injectPod({ metadata, spec }, undefined, settings);
  if (injection.kind !== "injected") throw new Error(JSON.stringify(injection));
  return injection.pod;
}

function containerOf({ spec }: InjectablePod, name: string): Container {
  const found = [...(spec.initContainers ?? []), ...spec.containers].find((one) => one.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

/** As kubelet resolves it. */
function environmentOf({ metadata, spec }: InjectablePod, { env = [] }: Container): Record<string, string> {
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": metadata.name ?? "",
    "metadata.namespace": metadata.namespace ?? "",
    "status.podIP": POD_IP,
    "status.hostIP": "10.9.0.254",
    "spec.serviceAccountName": spec.serviceAccountName ?? "",
    "spec.nodeName": "node-1",
  };
  const pairs = env.map(({ name, value, valueFrom }) => [
    name,
    value ?? fields[valueFrom?.fieldRef?.fieldPath ?? ""] ?? "2",
  ]);
  return Object.fromEntries(pairs);
}

function expand(args: readonly string[]): string[] {
  return args.map((arg) => arg.replace("$(POD_NAMESPACE)", "shop"));
}

function writePodFiles(): void {
  const write = (path: string, text: string) => {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), text, { mode: 0o644 });
  };
  const quoted = (pairs: Readonly<Record<string, string>> = {}) =>
    Object.entries(pairs)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join("\n");
  write("var/run/secrets/tokens/istio-token", controlPlane.issueToken("shop", "reviews"));
  write("var/run/secrets/istio/root-cert.pem", controlPlane.rootsPem);
  write("etc/istio/pod/labels", quoted(pod.metadata.labels));
  write("etc/istio/pod/annotations", quoted(pod.metadata.annotations));
  mkdirSync(join(directory, "etc/istio/proxy"));
  chownSync(join(directory, "etc/istio/proxy"), PROXY.uid, PROXY.gid);
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(argv: readonly string[], user: typeof PROXY): Promise<Ended> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { ...user, stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    output.stdout += String(data);
  });
  child.stderr.on("data", (data) => {
    output.stderr += String(data);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...output };
}

function runAgent(args: readonly string[], user: typeof PROXY): Promise<Ended> {
  return run([process.execPath, programPath, ...args], user);
}

/** The app calls its own service: out through its proxy, and in again through it, over mTLS. */
async function callService(): Promise<string> {
  const program = `fetch("http://10.96.0.1:9080/hello", { headers: { host: "reviews" } })
    .then((answer) => answer.text()).then(console.log, (error) => console.log(String(error.cause ?? error)))`;
  return (await run([process.execPath, "-e", program], APP)).stdout.trim();
}
