// Puts a pod's capture in force with the first program that manages to, and takes it out again. Where the commands run
// (this namespace, or one entered) is the caller's choice.

import type { BackendState, CaptureBackend } from "./capture-backend.ts";
import { inspectBackends, orderBackends } from "./capture-backend.ts";
import type { CaptureCommand, RunCommand } from "./capture-command.ts";
import { captureCommands, captureRemovalCommands } from "./capture-commands.ts";
import type { CaptureSettings } from "./capture-settings.ts";

export interface ApplyCaptureOptions {
  readonly run: RunCommand;
  /** Native nft before iptables. */
  readonly prefersNft?: boolean;
  /** This one or none. */
  readonly backend?: CaptureBackend;
}

/** Replaces what an earlier call put in force. Throws with every program's own words when none manages it. */
export async function applyCapture(
  settings: CaptureSettings,
  options: ApplyCaptureOptions,
): Promise<CaptureBackend> {
  const { run, backend: only } = options;
  const states = await inspectBackends(run);
  await removeFrom(states, settings, run);
  const order = only === undefined ? orderBackends(states, options) : [only];
  const failures: string[] = [];
  for (const backend of order) {
    const failure = await runUntilFailure(captureCommands(settings, backend), run);
    if (failure === undefined) return backend;
    failures.push(failure);
    await runAll(captureRemovalCommands(settings, backend), run);
  }
  const reason = failures.length === 0 ? "neither iptables nor nft runs here" : failures.join("; ");
  throw new Error(`Cannot capture the pod's traffic: ${reason}`);
}

/** Does nothing where nothing of ours is in force. */
export async function removeCapture(settings: CaptureSettings, run: RunCommand): Promise<void> {
  await removeFrom(await inspectBackends(run), settings, run);
}

async function removeFrom(
  states: readonly BackendState[],
  settings: CaptureSettings,
  run: RunCommand,
): Promise<void> {
  for (const { backend, hasCapture } of states) {
    // Rules of two families share few of the commands, and which families were captured isn't known.
    if (hasCapture) await runAll(captureRemovalCommands({ ...settings, ipv6: true }, backend), run);
  }
}

async function runAll(commands: readonly CaptureCommand[], run: RunCommand): Promise<void> {
  for (const command of commands) await run(command);
}

async function runUntilFailure(
  commands: readonly CaptureCommand[],
  run: RunCommand,
): Promise<string | undefined> {
  for (const command of commands) {
    const { code, stderr } = await run(command);
    if (code !== 0) return `${command.command.join(" ")} ended with ${code}: ${stderr.trim()}`;
  }
  return undefined;
}
