// A node with a bridge network for tests of the CNI plugin: its network namespace, its CNI folders, and a runtime that
// runs chained plugins as kubelet's would. Needs root; everything ends with the test.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { buildCniShim } from "../../../tools/images/build-cni-shim.ts";

const SYSTEM_PLUGINS = "/usr/lib/cni";

const missing = ["go", "nsenter", "unshare", "iptables-nft-save"].filter(
  (program) => spawnSync("which", [program]).status !== 0,
);

export const nodeSkip: string | false =
  process.getuid?.() !== 0
    ? "needs root"
    : missing.length > 0
      ? `needs ${missing.join(", ")}`
      : existsSync(`${SYSTEM_PLUGINS}/bridge`)
        ? false
        : `needs the CNI plugins in ${SYSTEM_PLUGINS}`;

export interface PluginOutcome {
  readonly code: number | null;
  readonly stdout: string;
}

export interface PodNamespace {
  readonly path: string;
  /** Runs a program in it. */
  run(...argv: readonly string[]): string;
}

export interface NodeUnderTest {
  readonly netDirectory: string;
  readonly binDirectory: string;
  readonly socketPath: string;
  readonly meshNamespacesFile: string;
  startPod(): Promise<PodNamespace>;
  /** As the runtime does it: each plugin of the first list, with the result of those before it. */
  addPod(pod: PodNamespace, name: string): Promise<PluginOutcome>;
  deletePod(pod: PodNamespace, name: string): Promise<PluginOutcome>;
}

export async function startNode(t: TestContext): Promise<NodeUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "mlt-cni-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const [netDirectory, binDirectory] = [join(directory, "net.d"), join(directory, "bin")];
  await mkdir(netDirectory);
  await mkdir(binDirectory);
  buildCniShim(fileURLToPath(new URL("../../..", import.meta.url)), join(binDirectory, "meltemi-cni"));
  await writeFile(join(netDirectory, "10-bridge.conflist"), JSON.stringify(bridgeNetwork(directory)));
  const node = await startNamespace(t);
  const call = (command: string, pod: PodNamespace, name: string) =>
    callPlugins({ command, pod, name, netDirectory, binDirectory, node });
  return {
    netDirectory,
    binDirectory,
    socketPath: join(directory, "cni.sock"),
    meshNamespacesFile: join(directory, "mesh-namespaces"),
    startPod: () => startNamespace(t),
    addPod: (pod, name) => call("ADD", pod, name),
    deletePod: (pod, name) => call("DEL", pod, name),
  };
}

function bridgeNetwork(directory: string): object {
  const ipam = {
    type: "host-local",
    subnet: "10.77.0.0/24",
    dataDir: join(directory, "ipam"),
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const bridge = { type: "bridge", bridge: "cni0", isGateway: true, ipam };
  return { cniVersion: "1.0.0", name: "pods", plugins: [bridge] };
}

async function startNamespace(t: TestContext): Promise<PodNamespace> {
  const holder = spawn("unshare", ["--net", "sleep", "300"], { stdio: "ignore" });
  t.after(() => holder.kill("SIGKILL"));
  const path = `/proc/${holder.pid}/ns/net`;
  const own = readlinkSync("/proc/self/ns/net");
  while (readlinkSync(path) === own) await new Promise((resolve) => setTimeout(resolve, 5));
  const run = (...argv: readonly string[]) =>
    spawnSync("nsenter", [`--net=${path}`, ...argv], { encoding: "utf8" }).stdout;
  return { path, run };
}

interface PluginCall {
  readonly command: string;
  readonly pod: PodNamespace;
  readonly name: string;
  readonly netDirectory: string;
  readonly binDirectory: string;
  readonly node: PodNamespace;
}

async function callPlugins(call: PluginCall): Promise<PluginOutcome> {
  const [file = ""] = (await readdir(call.netDirectory)).filter((name) => name.endsWith(".conflist")).sort();
  const list = JSON.parse(await readFile(join(call.netDirectory, file), "utf8"));
  const plugins: readonly { type: string }[] =
    call.command === "DEL" ? list.plugins.toReversed() : list.plugins;
  let outcome: PluginOutcome = { code: 0, stdout: "" };
  for (const plugin of plugins) {
    const previous = outcome.stdout === "" ? {} : { prevResult: JSON.parse(outcome.stdout) };
    const input = { name: list.name, cniVersion: list.cniVersion, ...plugin, ...previous };
    outcome = await callPlugin(plugin.type, JSON.stringify(input), call);
    if (outcome.code !== 0) return outcome;
  }
  return outcome;
}

function callPlugin(type: string, input: string, call: PluginCall): Promise<PluginOutcome> {
  const { command, pod, name, binDirectory, node } = call;
  const path = [binDirectory, SYSTEM_PLUGINS].map((folder) => join(folder, type)).find(existsSync) ?? type;
  const [namespace = "", podName = ""] = name.split("/");
  const env = {
    PATH: process.env.PATH,
    CNI_COMMAND: command,
    CNI_CONTAINERID: `test${pod.path.replaceAll("/", "-")}`,
    CNI_NETNS: pod.path,
    CNI_IFNAME: "eth0",
    CNI_PATH: `${binDirectory}:${SYSTEM_PLUGINS}`,
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${podName}`,
  };
  const child = spawn("nsenter", [`--net=${node.path}`, path], { env, stdio: ["pipe", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.on("data", (data) => {
    stdout += String(data);
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout })));
}
