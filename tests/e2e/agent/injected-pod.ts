// One injected pod's containers as kubelet would run them, in the network namespace that this process is in: environment,
// files, users and arguments. Starts nothing by itself.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { injectPod } from "../../../src/inject/inject-pod.ts";
import type { InjectablePod } from "../../../src/inject/injectable-pod.ts";
import { defaultInjectionSettings } from "../../../src/inject/injection-settings.ts";
import type { Container } from "../../../src/kinds/pod/container.ts";
import { agentNodeFlags } from "../../../tools/images/product-images.ts";
import type { PodControlPlane } from "./pod-control-plane.ts";

export const POD_IP = "10.9.0.1";
export const PROXY = { uid: 1337, gid: 1337 };
export const APP = { uid: 1000, gid: 1000 };

/** The mesh around that pod. */
export const shopObjects = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: reviews-1, namespace: shop, uid: reviews-1-uid, labels: { app: reviews, security.istio.io/tlsMode: istio } }
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

export interface PodPlace {
  /** Stands for the containers' root. */
  readonly directory: string;
  readonly programPath: string;
  readonly envoyPath: string;
  readonly controlPlane: PodControlPlane;
  readonly proxyMetadata?: Readonly<Record<string, string>>;
  /** Which pod of the namespace `shop` it is. Default `reviews`. */
  readonly app?: string;
  /** Default POD_IP. */
  readonly podIp?: string;
  readonly controlPlaneAddress?: string;
  /** A process in the pod's network namespace, where that isn't our own. */
  readonly namespacePid?: number;
}

export interface InjectedPod {
  readonly initArgs: readonly string[];
  /** The proxy's container, as the image's entry point starts it. */
  startProxy(): ChildProcess;
  /** One of the program's commands, in the proxy's container. */
  runAgent(args: readonly string[], user: typeof PROXY): Promise<Ended>;
}

export function prepareInjectedPod(place: PodPlace): InjectedPod {
  const pod = injectedPod(place);
  const proxy = containerOf(pod, "istio-proxy");
  const env = {
    ...environmentOf(pod, proxy, place.podIp ?? POD_IP),
    MELTEMI_POD_ROOT: place.directory,
    MELTEMI_ENVOY: place.envoyPath,
  };
  writePodFiles(pod, place);
  const args = (proxy.args ?? []).map((arg) => arg.replace("$(POD_NAMESPACE)", "shop"));
  return {
    initArgs: containerOf(pod, "istio-init").args ?? [],
    startProxy() {
      const argv = [process.execPath, ...agentNodeFlags, place.programPath, ...args];
      const [command = "", ...rest] = inPod(place, argv, PROXY);
      return spawn(command, rest, {
        ...(place.namespacePid === undefined ? PROXY : {}),
        env: { PATH: process.env.PATH, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
    },
    runAgent: (commandArgs, user) =>
      runInPod(place, [process.execPath, place.programPath, ...commandArgs], user, {
        ...process.env,
        MELTEMI_POD_ROOT: place.directory,
      }),
  };
}

type PodNetwork = Pick<PodPlace, "namespacePid">;

/** Runs a command where the pod's containers are. */
export function runInPod(
  place: PodNetwork,
  argv: readonly string[],
  user: typeof PROXY,
  env = process.env,
): Promise<Ended> {
  // Who enters a namespace must be root until it has.
  return run(inPod(place, argv, user), place.namespacePid === undefined ? user : { uid: 0, gid: 0 }, env);
}

function inPod({ namespacePid }: PodNetwork, argv: readonly string[], user: typeof PROXY): readonly string[] {
  if (namespacePid === undefined) return argv;
  return ["nsenter", `--target=${namespacePid}`, "--net", `-S${user.uid}`, `-G${user.gid}`, "--", ...argv];
}

export function setUpNetwork(): void {
  const script = `ip link set lo up; ip link add br0 type bridge; ip addr add ${POD_IP}/24 dev br0
    ip link set br0 up; ip route add 10.96.0.0/16 dev br0`;
  const { status, stderr } = spawnSync("sh", ["-ec", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function injectedPod(place: PodPlace): InjectablePod {
  const { app: name = "reviews", controlPlaneAddress = "127.0.0.1:15012", proxyMetadata = {} } = place;
  const app: Container = {
    name: "app",
    image: `shop/${name}`,
    ports: [{ containerPort: 9080 }],
    livenessProbe: { httpGet: { path: "/health", port: 9080 } },
  };
  const metadata = { name: `${name}-1`, namespace: "shop", labels: { app: name } };
  const meshConfig = {
    defaultConfig: { terminationDrainDuration: "1s", drainDuration: "1s", concurrency: 1, proxyMetadata },
  };
  const settings = { ...defaultInjectionSettings, meshConfig, controlPlaneAddress };
  const spec = { containers: [app], serviceAccountName: name };
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
function environmentOf(
  { metadata, spec }: InjectablePod,
  { env = [] }: Container,
  podIp: string,
): Record<string, string> {
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": metadata.name ?? "",
    "metadata.namespace": metadata.namespace ?? "",
    "status.podIP": podIp,
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

function writePodFiles(pod: InjectablePod, { directory, controlPlane, app = "reviews" }: PodPlace): void {
  const write = (path: string, text: string) => {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), text, { mode: 0o644 });
  };
  const quoted = (pairs: Readonly<Record<string, string>> = {}) =>
    Object.entries(pairs)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join("\n");
  write("var/run/secrets/tokens/istio-token", controlPlane.issueToken("shop", `${app}-1`));
  write("var/run/secrets/istio/root-cert.pem", controlPlane.rootsPem);
  write("etc/istio/pod/labels", quoted(pod.metadata.labels));
  write("etc/istio/pod/annotations", quoted(pod.metadata.annotations));
  mkdirSync(join(directory, "etc/istio/proxy"), { recursive: true });
  chownSync(join(directory, "etc/istio/proxy"), PROXY.uid, PROXY.gid);
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(argv: readonly string[], user: typeof PROXY, env = process.env): Promise<Ended> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { ...user, env, stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
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

/** Reads the page to its end. */
export function scrape(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let byteCount = 0;
    const asking = get(url, (answer) => {
      answer.on("data", (chunk: Buffer) => {
        byteCount += chunk.length;
      });
      answer.once("end", () => resolve(byteCount));
      answer.once("error", reject);
    });
    asking.once("error", reject);
  });
}
