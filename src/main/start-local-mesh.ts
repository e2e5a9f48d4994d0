// Starts a mesh on this machine: probes what the machine allows, makes the namespaces with the supervisor in
// them, and connects the user's side of it: manifests in, output, problems and gateway addresses out.

import { createWriteStream, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../agent/envoy-binary.ts";
import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { MeshEnd, MeshLaunch, RunningMesh } from "../cli/local-mesh.ts";
import { formatProblem } from "../core/problem.ts";
import type { Egress } from "../local/front/egress.ts";
import { attachEgress } from "../local/front/egress.ts";
import type { SupervisorProcess } from "../local/front/launch-supervisor.ts";
import { launchSupervisor } from "../local/front/launch-supervisor.ts";
import type { MeshPrivilege } from "../local/front/machine-ability.ts";
import { probeMachine } from "../local/front/machine-ability.ts";
import { ipv4Range } from "../local/network/ipv4-range.ts";
import type { FrontMessage, SupervisorSettings } from "../local/supervisor/front-protocol.ts";
import { openControlPlanePort } from "./machine-ports.ts";
import type { MeshFeed } from "./mesh-feed.ts";
import { feedManifests } from "./mesh-feed.ts";
import { hearSupervisor } from "./mesh-hearing.ts";
import { problemLedger } from "./problem-ledger.ts";
import { programArgv, readVersion } from "./project.ts";

const SHUTDOWN_GRACE_SECONDS = 20;
const EXIT_GRACE_MS = 10_000;
const REMEMBERED_CHARACTERS = 2_000;

export async function startLocalMesh(launch: MeshLaunch): Promise<RunningMesh> {
  const { onEvent, stateDirectory } = launch;
  const { privilege, hasEgress } = await probe(launch);
  const envoyPath = await envoyFor(launch);
  onEvent({ kind: "progress", text: `starting mesh "${launch.name}"` });
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const supervisor = await launchSupervisor({
    privilege,
    stateDirectory,
    argv: programArgv("supervisor"),
    workingDirectory: process.cwd(),
    output: "pipe",
  });
  const lastWords = keepLog(supervisor, join(stateDirectory, "supervisor.log"));
  try {
    return await connect(launch, { supervisor, privilege, hasEgress, envoyPath, lastWords });
  } catch (error) {
    supervisor.channel.kill("SIGKILL");
    throw error;
  }
}

interface Launched {
  readonly supervisor: SupervisorProcess;
  readonly privilege: MeshPrivilege;
  readonly hasEgress: boolean;
  readonly envoyPath: string;
  readonly lastWords: () => string;
}

async function connect(launch: MeshLaunch, launched: Launched): Promise<RunningMesh> {
  const { supervisor, lastWords } = launched;
  const { channel } = supervisor;
  const ledger = problemLedger({
    onAppear: (problem) => launch.onEvent({ kind: "problemAppeared", problem }),
    onGone: (problem) => launch.onEvent({ kind: "problemGone", problem }),
  });
  const hearing = hearSupervisor(channel, { onEvent: launch.onEvent, ledger });
  const egress = launched.hasEgress ? await tryEgress(launch, supervisor) : undefined;
  for (const [name, choice] of [
    ["xds", launch.xdsPort],
    ["admin", launch.adminPort],
  ] as const) {
    const { notice } = await openControlPlanePort(channel, name, choice);
    if (notice !== undefined) launch.onEvent({ kind: "notice", text: notice });
  }
  const send = (message: FrontMessage) => {
    if (channel.connected) channel.send(message);
  };
  send({ kind: "start", settings: settingsFor(launch, launched, egress) });
  await Promise.race([
    hearing.started,
    supervisor.exited.then(() => {
      throw new CommandFailure(exitCodes.environment, `The supervisor ended at once: ${lastWords()}`);
    }),
  ]);
  const feed = await feedManifests(launch, { send, ledger });
  return runningMesh({ supervisor, feed, egress, send, lastWords, stopped: hearing.stopped });
}

interface Running {
  readonly supervisor: SupervisorProcess;
  readonly feed: MeshFeed;
  readonly egress: Egress | undefined;
  readonly send: (message: FrontMessage) => void;
  readonly lastWords: () => string;
  readonly stopped: Promise<void>;
}

function runningMesh({ supervisor, feed, egress, send, lastWords, stopped }: Running): RunningMesh {
  let isStopping = false;
  const ended = supervisor.exited.then(async ({ code, signal }): Promise<MeshEnd> => {
    egress?.close();
    await feed.close();
    if (isStopping) return { kind: "stopped" };
    const how =
      signal === null ? `the supervisor ended with ${code}` : `the supervisor was killed by ${signal}`;
    return { kind: "died", reason: [how, lastWords()].filter((part) => part !== "").join(": ") };
  });
  return {
    ended,
    async close() {
      isStopping = true;
      send({ kind: "shutdown", graceSeconds: SHUTDOWN_GRACE_SECONDS });
      await Promise.race([stopped, supervisor.exited]);
      await supervisor.close({ graceMs: EXIT_GRACE_MS });
      await ended;
    },
    kill() {
      isStopping = true;
      supervisor.channel.kill("SIGKILL");
    },
  };
}

async function probe({ onEvent }: MeshLaunch): Promise<Pick<Launched, "privilege" | "hasEgress">> {
  const ability = await probeMachine();
  if (ability.kind === "unable") throw new CommandFailure(exitCodes.environment, ability.sentence);
  if (ability.noEgress !== undefined) onEvent({ kind: "notice", text: ability.noEgress });
  return { privilege: ability.privilege, hasEgress: ability.noEgress === undefined };
}

async function envoyFor({ onEvent, signal }: MeshLaunch): Promise<string> {
  const onProgress = (text: string) => onEvent({ kind: "progress", text });
  const found = await findEnvoy({ env: process.env, signal, onProgress });
  if ("envoy" in found) return found.envoy.path;
  throw new CommandFailure(exitCodes.environment, formatProblem(found.problem));
}

/** Without it pods can't reach the outside, and all else works: a notice, not a failure. */
async function tryEgress(
  launch: MeshLaunch,
  { namespacesPid }: SupervisorProcess,
): Promise<Egress | undefined> {
  try {
    const avoid = [launch.podCidr, launch.serviceCidr].map(ipv4Range);
    return await attachEgress(namespacesPid, { avoid });
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    launch.onEvent({ kind: "notice", text: `pods can't reach the outside: ${reason}` });
    return undefined;
  }
}

function settingsFor(
  launch: MeshLaunch,
  { supervisor, privilege, envoyPath }: Launched,
  egress: Egress | undefined,
): SupervisorSettings {
  const { name, stateDirectory, podCidr, serviceCidr, imageCommands } = launch;
  // In a user namespace the caller is its root.
  const [uid, gid] = privilege === "root" ? [process.getuid?.() ?? 0, process.getgid?.() ?? 0] : [0, 0];
  return {
    meshName: name,
    version: readVersion(),
    stateDirectory,
    podCidr,
    serviceCidr,
    imageCommands,
    ...(egress === undefined ? {} : { egress: egress.addresses }),
    frontPid: process.pid,
    namespacesPid: supervisor.namespacesPid,
    privilege,
    envoyPath,
    controlPlaneArgv: programArgv("control-plane"),
    user: { uid, gid, home: homedir(), path: process.env.PATH ?? "" },
    workingDirectory: process.cwd(),
  };
}

/** What supervisor and control plane log goes to a file of this run; its end says why a mesh died. */
function keepLog({ channel }: SupervisorProcess, file: string): () => string {
  const log = createWriteStream(file, { mode: 0o600 });
  let words = "";
  for (const stream of [channel.stdout, channel.stderr]) {
    stream?.pipe(log, { end: false });
    stream?.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(-REMEMBERED_CHARACTERS);
    });
  }
  channel.once("exit", () => log.end());
  return () => (words.trim() === "" ? "" : `${words.trim().split("\n").at(-1)} (more in ${file})`);
}
