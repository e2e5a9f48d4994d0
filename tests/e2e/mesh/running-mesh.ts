// A mesh for a test file, started as a user does: `meltemi up` in a process of its own, on the fixture's manifests
// and a directory of the test's own files. Nothing of it is left when it is closed.

import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { ProxyStatus } from "../../../src/admin/contract/control-plane.ts";
import type {
  ExecAnswer,
  ExecRequest,
  LogLine,
  MeshReport,
  PodReport,
} from "../../../src/admin/contract/supervisor.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import { clientArgv, startPodClient } from "./pod-client.ts";

const START_DEADLINE_MS = 90_000;
const STOP_DEADLINE_MS = 30_000;
const LOG_CHARACTERS = 4_000;

export interface RunningMesh {
  /** Saves a file among the mesh's manifests, as an editor would. */
  save(file: string, yaml: string): Promise<void>;
  /** Removes what `save` wrote. */
  remove(file: string): Promise<void>;
  /** A caller in the first pod of a workload, `NAME` or `NAMESPACE/NAME`; the same each time. */
  client(workload: string): Promise<PodClient>;
  /** A caller on the machine, outside of the mesh's namespaces. */
  machineClient(): PodClient;
  /** The command line that runs `command` in the pod; without a container, in the application's. */
  exec(
    workload: string,
    command: readonly string[],
    choices?: Pick<ExecRequest, "container" | "terminal">,
  ): Promise<readonly [string, ...string[]]>;
  pods(workload: string): Promise<readonly PodReport[]>;
  proxies(): Promise<readonly ProxyStatus[]>;
  /** Every proxy has acknowledged all that it was sent, and refuses nothing. */
  waitUntilInStep(): Promise<void>;
  logs(workload: string, container: string): Promise<readonly LogLine[]>;
  /** Where the machine reaches a gateway's port, such as `http://localhost:8080`. */
  gatewayUrl(port: number): Promise<string>;
  report(): Promise<MeshReport>;
  /** Of `meltemi up`, as this machine numbers it. */
  frontPid(): Promise<number>;
  /** Where `save` writes. */
  readonly configDirectory: string;
  /** Holds the sockets, the CA and the leases. */
  readonly stateDirectory: string;
  /** Of `meltemi up`, when it is gone: its exit code, or null where it was killed. */
  readonly ended: Promise<number | null>;
  /** What `meltemi up` has printed. */
  output(): string;
  close(): Promise<void>;
}

export interface MeshStart {
  /** Files under manifests/; echo.yaml is always there. */
  readonly manifests?: readonly string[];
  /** To run and follow, instead of fixtures and a folder of the test's own. */
  readonly folder?: string;
  /** Of the test's own, by file name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of an earlier mesh, to go on from; it stays when the mesh is closed. */
  readonly stateDirectory?: string;
  /** More words for `meltemi up`. */
  readonly flags?: readonly string[];
  readonly machine?: MeshMachine;
}

/** Where a mesh may run other than on this machine: one that a test stands in, and has a user of its own. */
export interface MeshMachine {
  /** The command line that runs `argv` on it, as its user; what it runs has this environment. */
  enter(argv: readonly [string, ...string[]]): readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** Whose the mesh's files are. */
  readonly uid: number;
}

const thisMachine: MeshMachine = { enter: (argv) => argv, env: process.env, uid: process.getuid?.() ?? 0 };

const projectPath = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const fixturePath = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Why there can be no mesh here, for `skip`; false where there can. */
export const skipWithoutMesh = process.geteuid?.() === 0 ? false : "needs root";

export type StartMesh = (start?: MeshStart) => Promise<RunningMesh>;

/** Resolves when all pods are ready and all proxies in step. */
export async function startMesh(start: MeshStart = {}): Promise<RunningMesh> {
  const { manifests = [], files = {}, flags = [], machine = thisMachine } = start;
  await promisify(execFile)(process.execPath, [projectPath("tools/build.mjs")]);
  const directory = await mkdtemp(join(tmpdir(), "meltemi-mesh-"));
  const configDirectory = start.folder ?? join(directory, "manifests");
  await mkdir(configDirectory, { recursive: true });
  for (const [file, yaml] of Object.entries(files)) await writeFile(join(configDirectory, file), yaml);
  const wanted = start.folder === undefined ? ["echo.yaml", ...manifests] : manifests;
  const fixtures = wanted.map((file) => fixturePath(`manifests/${file}`));
  const stateDirectory = start.stateDirectory ?? join(directory, "state");
  await chown(directory, machine.uid, machine.uid);
  const up = startUp([...fixtures, configDirectory, ...flags], { stateDirectory, machine });
  const mesh = meshOf(up, { directory, configDirectory, stateDirectory, machine });
  try {
    await up.ready;
    await mesh.waitUntilInStep();
    return mesh;
  } catch (cause) {
    const log = await readFile(join(directory, "state/supervisor.log"), "utf8").catch(() => "");
    await mesh.close();
    throw new Error(`The mesh didn't start; its log ends:\n${log.slice(-LOG_CHARACTERS)}`, { cause });
  }
}

interface Up {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  readonly ended: Promise<number | null>;
  text(): string;
}

function startUp(
  paths: readonly string[],
  { stateDirectory, machine }: Pick<Places, "stateDirectory" | "machine">,
): Up {
  const args = ["up", ...paths, "--name", `e2e-${process.pid}`, "--xds-port", "0", "--admin-port", "0"];
  const image = `meltemi-test/echo=${process.execPath} ${fixturePath("app/echo.mjs")}`;
  const meltemi = [process.execPath, projectPath("bin/meltemi.mjs")] as const;
  const [program, ...words] = machine.enter([...meltemi, ...args, "--image", image]);
  const child = spawn(program, words, {
    env: { ...machine.env, MELTEMI_STATE_DIR: stateDirectory, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // The mesh's namespaces end with the process, whatever becomes of this one.
  process.once("exit", () => child.kill("SIGKILL"));
  let text = "";
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`The mesh ${what}:\n${text}`));
    const timer = setTimeout(() => fail("isn't ready in time"), START_DEADLINE_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8");
        if (!/^ready: \d+ pods$/m.test(text)) return;
        clearTimeout(timer);
        resolve();
      });
    }
    child.once("exit", () => fail("has ended"));
  });
  ready.catch(() => undefined);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { process: child, ready, ended, text: () => text };
}

interface Places {
  readonly directory: string;
  readonly configDirectory: string;
  readonly stateDirectory: string;
  readonly machine: MeshMachine;
}

function meshOf(up: Up, { directory, configDirectory, stateDirectory, machine }: Places): RunningMesh {
  const socketPath = (name: string) => join(stateDirectory, `${name}.sock`);
  const supervisor = <T>(path: string, body?: object) => ask<T>(socketPath("supervisor"), path, body);
  const proxies = () => ask<ProxyStatus[]>(socketPath("control-plane"), "/proxies");
  const clients = new Map<string, Promise<PodClient>>();
  const pods = async (workload: string) => {
    const isNamed = ({ namespace, workload: { name } }: PodReport) =>
      name === workload || `${namespace}/${name}` === workload;
    const found = (await supervisor<PodReport[]>("/pods")).filter(isNamed);
    if (found.length === 0) throw new Error(`There is no pod of ${workload}`);
    return found;
  };
  const exec: RunningMesh["exec"] = async (workload, command, choices) => {
    const [pod] = await pods(workload);
    const request = { namespace: pod?.namespace, pod: pod?.name, command, ...choices };
    const { argv, environment } = await supervisor<ExecAnswer>("/exec", request);
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return machine.enter(["env", "-i", ...variables, ...argv]);
  };
  const remember = (name: string, start: () => Promise<PodClient>) => {
    const client = clients.get(name) ?? start();
    clients.set(name, client);
    // Its pod may be there the next time.
    client.catch(() => clients.delete(name));
    return client;
  };
  return {
    save: (file, yaml) => writeFile(join(configDirectory, file), yaml),
    remove: (file) => rm(join(configDirectory, file), { force: true }),
    client: (workload) => remember(workload, async () => startPodClient(await exec(workload, clientArgv))),
    machineClient() {
      const client = startPodClient(machine.enter(clientArgv));
      clients.set(`machine ${clients.size}`, Promise.resolve(client));
      return client;
    },
    exec,
    pods,
    proxies,
    waitUntilInStep: () => eventually(async () => assertInStep(await proxies())),
    async logs(workload, container) {
      const [pod] = await pods(workload);
      const query = new URLSearchParams({ namespace: pod?.namespace ?? "", pod: pod?.name ?? "", container });
      const text = await askText(socketPath("supervisor"), `/logs?${query}`);
      return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as LogLine]));
    },
    gatewayUrl: (port) =>
      eventually(async () => {
        const { gateways } = await supervisor<MeshReport>("/mesh");
        const url = gateways.find((gateway) => gateway.port === port)?.url;
        if (url === undefined) throw new Error(`No gateway has port ${port}`);
        return url;
      }),
    report: () => supervisor<MeshReport>("/mesh"),
    frontPid: () => innermost(up.process.pid ?? 0),
    configDirectory,
    stateDirectory,
    ended: up.ended,
    output: up.text,
    async close() {
      const started = await Promise.allSettled(clients.values());
      await Promise.all(
        started.map((client) => (client.status === "fulfilled" ? client.value.close() : null)),
      );
      await stopUp(up.process);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function assertInStep(proxies: readonly ProxyStatus[]): void {
  for (const { name, acked, nacks } of proxies) {
    const [refusal] = nacks;
    if (refusal !== undefined) throw new Error(`${name} refuses ${refusal.type}: ${refusal.message}`);
    const late = Object.entries(acked).find(([, state]) => state === "STALE");
    if (late !== undefined) throw new Error(`${name} hasn't acknowledged ${late[0]}`);
  }
}

async function stopUp(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  await interrupt(child.pid ?? 0);
  const timeout = new AbortController();
  const late = wait(STOP_DEADLINE_MS, undefined, { signal: timeout.signal }).then(() =>
    child.kill("SIGKILL"),
  );
  await ended;
  timeout.abort();
  await late.catch(() => undefined);
}

/** One that has just ended by itself needs no signal. */
async function interrupt(pid: number): Promise<void> {
  try {
    process.kill(await innermost(pid), "SIGINT");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ESRCH") throw error;
  }
}

/** The program that was meant, where nsenter runs it in other namespaces and waits for it. */
async function innermost(pid: number): Promise<number> {
  if ((await readFile(`/proc/${pid}/comm`, "utf8")).trim() !== "nsenter") return pid;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  const [child] = children.trim().split(" ").filter(Boolean).map(Number);
  return child === undefined ? pid : innermost(child);
}

async function ask<T>(socketPath: string, path: string, body?: object): Promise<T> {
  return JSON.parse(await askText(socketPath, path, body)) as T;
}

function askText(socketPath: string, path: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    // Its own connection: one that is kept may be closed by the other side just then.
    const outgoing = requestHttp({ socketPath, path, method, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${path}: ${response.statusCode} ${text}`));
      });
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
