// Stands in for the supervisor: makes the mesh's network and does, over its IPC channel, what a test asks.

import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { silentLogger } from "../../src/core/logger.ts";
import type { ClusterDns } from "../../src/local/dns/cluster-dns.ts";
import { forwardConnections } from "../../src/local/front/forward-connections.ts";
import { receiveListeners } from "../../src/local/front/pass-listener.ts";
import type { MeshNetworkOptions } from "../../src/local/network/mesh-network.ts";
import { createMeshNetwork, type MeshNetwork } from "../../src/local/network/mesh-network.ts";
import type { ServiceVip } from "../../src/local/network/service-rules.ts";
import type { PodSandbox, PodSandboxOptions, SpawnOptions } from "../../src/local/sandbox/pod-sandbox.ts";

export interface ProgramOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test can have done inside the mesh; each is a method of the same name below. */
export interface MeshCalls {
  network(options: MeshNetworkOptions): { bridgeIp: string };
  pod(options: Omit<PodSandboxOptions, "ip">): { ip: string; pid: number };
  pods(count: number): { wallMs: number; cpuMs: number };
  vip(options: { serviceKey: string; clusterIP?: string }): string;
  services(services: readonly ServiceVip[]): undefined;
  records(records: Parameters<ClusterDns["setRecords"]>[0]): undefined;
  /** Runs a program in a pod to its end. */
  run(options: { pod: string } & SpawnOptions): ProgramOutcome;
  /** Starts a program in a pod that stays; resolves when it has written its first line. */
  start(options: { pod: string } & SpawnOptions): { pid: number; line: string };
  restore(options: { pod: string; ipv4: string }): undefined;
  /** Opens a TCP and a UDP socket in the pod that answer `from the supervisor`. */
  answerIn(options: { pod: string; port: number }): undefined;
  forward(options: { host: string; port: number }): undefined;
  objection(options: { pod: string } & SpawnOptions): string | undefined;
  closePod(pod: string): undefined;
  /** Runs a program in the mesh's own namespaces, outside of any pod. */
  inMesh(argv: readonly [string, ...string[]]): ProgramOutcome;
  die(): undefined;
}

type Handlers = { readonly [Call in keyof MeshCalls]: (argument: Parameters<MeshCalls[Call]>[0]) => unknown };

function createHandlers(): Handlers {
  let mesh: MeshNetwork | undefined;
  let forwardTarget: { host: string; port: number } | undefined;
  const pods = new Map<string, PodSandbox>();
  const network = (): MeshNetwork => mesh ?? fail("no network yet");
  const podOf = (name: string): PodSandbox => pods.get(name) ?? fail(`no pod ${name}`);
  receiveListeners(process, (_name, server) => {
    forwardConnections(server, {
      log: silentLogger,
      target: () => (forwardTarget === undefined ? undefined : { kind: "tcp", ...forwardTarget }),
    });
  });
  const createPod = async (options: Omit<PodSandboxOptions, "ip">): Promise<PodSandbox> => {
    const ip = network().allocate(options.podKey);
    const sandbox = await network().createPod({ ...options, ip });
    pods.set(options.podKey, sandbox);
    return sandbox;
  };
  return {
    async network(options) {
      mesh = await createMeshNetwork(options);
      return { bridgeIp: mesh.bridgeIp };
    },
    async pod(options) {
      const sandbox = await createPod(options);
      return { ip: sandbox.ip, pid: Number(sandbox.networkNamespacePath.split("/")[2]) };
    },
    async pods(count) {
      const [startedAt, before] = [performance.now(), childAndOwnCpuMs()];
      const names = Array.from({ length: count }, (_, at) => `many/pod-${at}`);
      await Promise.all(
        names.map((podKey) => createPod({ podKey, hostname: podKey.slice(5), dnsSearch: [] })),
      );
      return { wallMs: performance.now() - startedAt, cpuMs: childAndOwnCpuMs() - before };
    },
    vip({ serviceKey, clusterIP }) {
      const lease = network().allocateVip(serviceKey, clusterIP);
      return lease.kind === "leased" ? lease.ip : lease.sentence;
    },
    services: (services) => network().setServices(services),
    records: (records) => network().dns.setRecords(records),
    run: ({ pod, ...options }) =>
      outcomeOf(podOf(pod).spawn({ ...options, stdio: ["ignore", "pipe", "pipe"] }).child),
    async start({ pod, ...options }) {
      const started = podOf(pod).spawn({ ...options, stdio: ["ignore", "pipe", "inherit"] });
      const { child } = started;
      const line = await new Promise<string>((resolve, reject) => {
        child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString("utf8")));
        child.once("exit", (code) => reject(new Error(`${options.argv.join(" ")} ended with ${code}`)));
      });
      return { pid: started.pid, line };
    },
    restore: ({ pod, ipv4 }) => podOf(pod).restore({ ipv4 }),
    async answerIn({ pod, port }) {
      const address = "127.0.0.1";
      const sockets = await podOf(pod).openSockets([
        { kind: "tcp", address, port },
        { kind: "udp", address, port },
      ]);
      for (const passed of sockets) {
        if (passed.kind === "tcp")
          passed.server.on("connection", (socket) => socket.end("from the supervisor"));
        else {
          const { socket } = passed;
          socket.on("message", (_bytes, from) => socket.send("from the supervisor", from.port, from.address));
        }
      }
    },
    forward(target) {
      forwardTarget = target;
    },
    objection: ({ pod, ...options }) => podOf(pod).mountObjection(options),
    async closePod(pod) {
      await podOf(pod).close();
      pods.delete(pod);
    },
    async inMesh([command, ...args]) {
      const { spawn } = await import("node:child_process");
      return outcomeOf(spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] }));
    },
    die: () => process.kill(process.pid, "SIGKILL"),
  };
}

async function outcomeOf(child: ChildProcess): Promise<ProgramOutcome> {
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  const [code, stdout, stderr] = await Promise.all([exited, textOf(child.stdout), textOf(child.stderr)]);
  return { code, stdout, stderr };
}

async function textOf(stream: Readable | null): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}

function childAndOwnCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function fail(reason: string): never {
  throw new Error(reason);
}

const handlers = createHandlers();
process.on("disconnect", () => process.exit(0));
process.on("message", (message: { id?: number; call?: keyof MeshCalls; argument?: never }) => {
  const { id, call, argument } = message;
  if (call === undefined) return;
  void Promise.resolve()
    .then(() => handlers[call](argument as never))
    .then(
      (result) => process.send?.({ id, result }),
      (cause: unknown) =>
        process.send?.({ id, failure: cause instanceof Error ? cause.stack : String(cause) }),
    );
});
