// Starts a mesh on this machine: probes what the machine allows, makes the namespaces with the supervisor in
// them, and connects the user's side of it: manifests in, output, problems and gateway addresses out.

import type { ChildProcess } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../agent/envoy-binary.ts";
import { CommandFailure, exitCodes } from "../cli/exit-code.ts";
import type { MeshEnd, MeshLaunch, RunningMesh } from "../cli/local-mesh.ts";
import { cacheDirectory, meshesDirectory } from "../cli/state-directory.ts";
import { systemClock } from "../core/clock.ts";
import { formatProblem } from "../core/problem.ts";
import type { AppUser } from "../local/front/app-user.ts";
import { chooseAppUser } from "../local/front/app-user.ts";
import type { Egress } from "../local/front/egress.ts";
import { attachEgress } from "../local/front/egress.ts";
import type { SupervisorProcess } from "../local/front/launch-supervisor.ts";
import { launchSupervisor } from "../local/front/launch-supervisor.ts";
import type { MeshPrivilege } from "../local/front/machine-ability.ts";
import { probeMachine } from "../local/front/machine-ability.ts";
import { ipv4Range } from "../local/network/ipv4-range.ts";
import type { FrontMessage, SupervisorSettings } from "../local/supervisor/front-protocol.ts";
import { programArgv, projectPath, readVersion } from "../process/project.ts";
import { openControlPlanePort, openScrapePort } from "./machine-ports.ts";
import type { MeshFeed } from "./mesh-feed.ts";
import { feedManifests } from "./mesh-feed.ts";
import type { MeshHearing } from "./mesh-hearing.ts";
import { hearSupervisor } from "./mesh-hearing.ts";
import { problemLedger } from "./problem-ledger.ts";

const SHUTDOWN_GRACE_SECONDS = 20;
const EXIT_GRACE_MS = 10_000;
const REMEMBERED_CHARACTERS = 2_000;
// Guards against what nobody has thought of: a start takes a second or two, on an overloaded machine half a minute.
const START_DEADLINE_MS = 120_000;

/** Rejects with a CommandFailure where the mesh can't start, and with the signal's reason once that is aborted; nothing is left then. */
export async function startLocalMesh(launch: MeshLaunch): Promise<RunningMesh> {
  const { onEvent, stateDirectory, signal } = launch;
  const [{ privilege, hasEgress }, envoyPath] = await unlessAborted(
    signal,
    Promise.all([probe(launch), envoyFor(launch)]),
  );
  onEvent({ kind: "progress", text: `starting mesh "${launch.name}"` });
  const supervisor = await launchSupervisor({
    privilege,
    stateDirectory,
    argv: programArgv("supervisor"),
    workingDirectory: process.cwd(),
    output: "pipe",
    signal,
  });
  const lastWords = keepLog(supervisor, join(stateDirectory, "supervisor.log"));
  try {
    return await connect(launch, { supervisor, privilege, hasEgress, envoyPath, lastWords });
  } catch (error) {
    supervisor.channel.kill("SIGKILL");
    await supervisor.exited;
    throw error;
  }
}

/** Leaves `work` to itself once the signal is aborted: only for what ends by itself. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener("abort", stop);
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
  const outbox = openOutbox(channel);
  // Reading the manifests takes as long as the supervisor takes to start: both at once.
  const feeding = feedManifests(launch, { send: outbox.send, ledger });
  feeding.catch(() => undefined); // Told where it is awaited; until then it must not end the process.
  const attaching = launched.hasEgress ? tryEgress(launch, supervisor) : Promise.resolve(undefined);
  const start = async () => {
    const egress = await attaching;
    channel.send({ kind: "start", settings: settingsFor(launch, launched, egress) } satisfies FrontMessage);
    await hearing.started;
    // Not before: a socket that is passed accepts on the other side from the first moment, whether or not anybody there
    // takes its connections yet.
    await openControlPlanePorts(launch, channel);
    outbox.open();
    const feed = await feeding;
    await hearing.serving;
    return runningMesh({ supervisor, feed, egress, send: outbox.send, lastWords, hearing });
  };
  try {
    const starting = start();
    return await unlessAborted(launch.signal, Promise.race([starting, whyItCannotStart(launched, hearing)]));
  } catch (error) {
    await attaching.then((egress) => egress?.close());
    // Reading goes on until it is told; it has nowhere to send to.
    void feeding.then(
      (feed) => feed.close(),
      () => undefined,
    );
    throw error;
  }
}

interface Outbox {
  send(message: FrontMessage): void;
  /** Sends what has gathered, and from then on everything at once. */
  open(): void;
}

/** Holds messages back until the supervisor takes them; no more than one state of the files gathers. */
function openOutbox(channel: ChildProcess): Outbox {
  const held: FrontMessage[] = [];
  let isOpen = false;
  const send = (message: FrontMessage) => {
    if (!isOpen) held.push(message);
    else if (channel.connected) channel.send(message);
  };
  return {
    send,
    open() {
      isOpen = true;
      for (const message of held.splice(0)) send(message);
    },
  };
}

async function whyItCannotStart(
  { supervisor, lastWords }: Launched,
  { failed }: MeshHearing,
): Promise<never> {
  const late = new Promise<string>((resolve) =>
    systemClock.after(START_DEADLINE_MS, () =>
      resolve(`The mesh hasn't started within ${START_DEADLINE_MS / 1_000} s: ${lastWords()}`),
    ),
  );
  const ended = supervisor.exited.then(() => `The supervisor ended at once: ${lastWords()}`);
  throw new CommandFailure(exitCodes.environment, await Promise.race([failed, ended, late]));
}

async function openControlPlanePorts(launch: MeshLaunch, channel: ChildProcess): Promise<void> {
  for (const [name, choice] of [
    ["xds", launch.xdsPort],
    ["admin", launch.adminPort],
  ] as const) {
    const { notice } = await openControlPlanePort(channel, name, choice);
    if (notice !== undefined) launch.onEvent({ kind: "notice", text: notice });
  }
  await openScrapePort(channel);
}

interface Running {
  readonly supervisor: SupervisorProcess;
  readonly feed: MeshFeed;
  readonly egress: Egress | undefined;
  readonly send: (message: FrontMessage) => void;
  readonly lastWords: () => string;
  readonly hearing: MeshHearing;
}

function runningMesh(running: Running): RunningMesh {
  const { supervisor, feed, egress, send, lastWords, hearing } = running;
  let isStopping = false;
  let failure: string | undefined;
  void hearing.failed.then((sentence) => {
    failure = sentence;
    supervisor.channel.kill("SIGKILL");
  });
  const ended = supervisor.exited.then(async ({ code, signal }): Promise<MeshEnd> => {
    egress?.close();
    await feed.close();
    if (isStopping) return { kind: "stopped" };
    if (failure !== undefined) return { kind: "failed", sentence: failure };
    const how =
      signal === null ? `the supervisor ended with ${code}` : `the supervisor was killed by ${signal}`;
    return { kind: "died", reason: [how, lastWords()].filter((part) => part !== "").join(": ") };
  });
  return {
    ended,
    async close() {
      isStopping = true;
      send({ kind: "shutdown", graceSeconds: SHUTDOWN_GRACE_SECONDS });
      await Promise.race([hearing.stopped, supervisor.exited]);
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
  const user = chooseAppUser({ privilege, env: process.env, home: homedir(), passwd: readPasswd() });
  if (user.replacesRoot) launch.onEvent({ kind: "notice", text: appUserNotice(user) });
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
    agentProgram: { argv: programArgv("agent"), directory: projectPath(".") },
    user: { ...user, path: process.env.PATH ?? "" },
    hiddenDirectories: [meshesDirectory(process.env)].filter(existsSync),
    readOnlyDirectories: [cacheDirectory(process.env)].filter(existsSync),
    workingDirectory: process.cwd(),
  };
}

function appUserNotice({ uid }: AppUser): string {
  return `apps run as user ${uid}, not as root: they write where that user may, unless runAsUser says another`;
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}

/** What supervisor and control plane log goes to a file of this run; its end says why a mesh died. */
function keepLog({ channel }: SupervisorProcess, file: string): () => string {
  const log = createWriteStream(file, { mode: 0o600 });
  // A full disk costs the log its end, and the mesh nothing.
  log.on("error", () => undefined);
  let words = "";
  for (const stream of [channel.stdout, channel.stderr]) {
    stream?.pipe(log, { end: false });
    stream?.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(-REMEMBERED_CHARACTERS);
    });
  }
  channel.once("exit", () => log.end());
  return () =>
    words.trim() === "" ? "" : `${readLogLine(words.trim().split("\n").at(-1) ?? "")} (more in ${file})`;
}

/** What a line of the log says, in words; other lines as they are. */
function readLogLine(line: string): string {
  try {
    const { msg, error } = JSON.parse(line) as {
      readonly msg?: string;
      readonly error?: { message?: string };
    };
    return [msg, error?.message].filter((part) => part !== undefined).join(": ");
  } catch {
    return line;
  }
}
