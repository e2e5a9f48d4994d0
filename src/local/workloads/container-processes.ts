// The processes of a pod's containers: what each starts with in the pod's namespaces, and commands that are run in a
// container. When one starts, and what follows from its end, is decided by those who ask.

import type { Clock } from "../../core/clock.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { PodSandbox, SpawnOptions } from "../sandbox/pod-sandbox.ts";
import { type TerminalChoices, terminalCommand } from "../sandbox/terminal-command.ts";
import { type LaunchContext, missingMount, resolveLaunch } from "./container-launch.ts";
import type { ProbeOutcome } from "./probe-loop.ts";
import { mountProxyVolumes } from "./proxy-container.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";
import type { SandboxProcess } from "./sandbox-process.ts";
import { watchProcess } from "./sandbox-process.ts";

export interface ProcessContext extends LaunchContext {
  /** Undefined until the pod has its namespaces. */
  readonly sandbox: PodSandbox | undefined;
}

type Argv = readonly [string, ...string[]];
type OnLine = (stream: "stdout" | "stderr", text: string) => void;

/** The container's own process. */
export async function startContainer(
  context: ProcessContext,
  container: Container,
  onLine: OnLine,
): Promise<Resolution<SandboxProcess>> {
  const launch = await resolveMounted(context, container);
  if (launch.kind === "unresolved") return launch;
  return resolved(spawn(context, launch.value, onLine));
}

/** Runs a command in the container to its end, which `timeoutMs` brings about. */
export async function runInContainer(
  context: ProcessContext,
  container: Container,
  { argv, timeoutMs, clock }: { readonly argv: Argv; readonly timeoutMs: number; readonly clock: Clock },
): Promise<ProbeOutcome> {
  let lastLine = "";
  let child: SandboxProcess;
  try {
    const launch = await resolveMounted(context, container);
    if (launch.kind === "unresolved" || context.sandbox === undefined) {
      return { isSuccess: false, message: "the container isn't running" };
    }
    child = spawn(context, { ...launch.value, argv }, (_, text) => {
      lastLine = text;
    });
  } catch (cause) {
    return { isSuccess: false, message: cause instanceof Error ? cause.message : String(cause) };
  }
  const cancelKill = clock.after(timeoutMs, () => child.kill("SIGKILL"));
  const { exitCode } = await child.exited;
  cancelKill();
  return { isSuccess: exitCode === 0, message: `exit code ${exitCode}${lastLine && `: ${lastLine}`}` };
}

export interface CommandChoices {
  readonly argv: Argv;
  /** What the proxy's container starts with, where it is the one: nobody declares that. */
  readonly ofProxy?: SpawnOptions | undefined;
  readonly terminal?: TerminalChoices | undefined;
}

/** What runs `argv` as the container would: with its variables, files and user, and on a terminal where one is chosen. */
export async function commandInContainer(
  context: ProcessContext & { readonly sandbox: PodSandbox },
  container: Container,
  { argv, ofProxy, terminal }: CommandChoices,
): Promise<Resolution<ReturnType<PodSandbox["command"]>>> {
  const launch = await (ofProxy === undefined
    ? resolveMounted(context, container)
    : withProxyVolumes(context, container, ofProxy));
  if (launch.kind === "unresolved") return launch;
  const plain = { argv, env: launch.value.env };
  const command = terminal === undefined ? plain : terminalCommand(plain, terminal);
  return resolved(context.sandbox.command({ ...launch.value, ...command }));
}

async function resolveMounted(
  context: ProcessContext,
  container: Container,
): Promise<Resolution<SpawnOptions>> {
  const launch = await resolveLaunch(context, container);
  return launch.kind === "unresolved" ? launch : checked(context, container, launch.value);
}

async function withProxyVolumes(
  context: ProcessContext,
  container: Container,
  options: SpawnOptions,
): Promise<Resolution<SpawnOptions>> {
  const mounts = await mountProxyVolumes(container, context.volumes);
  if (mounts.kind === "unresolved") return mounts;
  return checked(context, container, { ...options, mounts: [...(options.mounts ?? []), ...mounts.value] });
}

function checked(
  { pod, sandbox }: ProcessContext,
  container: Container,
  options: SpawnOptions,
): Resolution<SpawnOptions> {
  const objection = sandbox?.mountObjection(options);
  return objection === undefined ? resolved(options) : unresolved(missingMount(pod, container, objection));
}

function spawn({ sandbox }: ProcessContext, options: SpawnOptions, onLine: OnLine): SandboxProcess {
  if (sandbox === undefined) throw new Error("A container needs its pod's namespaces");
  return watchProcess(sandbox.spawn({ ...options, stdio: ["ignore", "pipe", "pipe"] }), onLine);
}
