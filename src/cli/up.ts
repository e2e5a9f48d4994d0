// `meltemi up DIR…`: starts a mesh of the user's manifests on this machine, shows what its workloads print
// and what is wrong with the files, and takes everything away again on Ctrl-C.

import { accessSync, constants } from "node:fs";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { describeFileFault } from "../core/file-fault.ts";
import { useCache } from "./cache-use.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, listArgument, listOption, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { MeshEnd, MeshEvent, MeshLaunch, PortChoice, RunningMesh } from "./local-mesh.ts";
import { meshToRun } from "./mesh-name.ts";
import type { MeshPrinter } from "./mesh-printer.ts";
import { meshPrinter } from "./mesh-printer.ts";
import { meshRanges } from "./mesh-ranges.ts";
import { cacheDirectory, prepareStateDirectory, stateDirectory, unusableState } from "./state-directory.ts";
import { lockState } from "./state-lock.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const directories = listArgument(input, 0);
  return runMesh(context, meshOptions(context, input, directories), { isOnce: flagOption(input, "once") });
}

export type MeshOptions = Omit<MeshLaunch, "onEvent" | "signal">;

/** Shared with `demo`. */
export async function runMesh(
  context: CommandContext,
  options: MeshOptions,
  { isOnce, afterReady }: { readonly isOnce: boolean; readonly afterReady?: string },
): Promise<ExitCode> {
  await prepareStateDirectory(options.stateDirectory);
  const lock = await lockState(options.stateDirectory, options.name).catch((error: unknown) => {
    throw unusableState(options.stateDirectory, error);
  });
  const use = await useCache(cacheDirectory(context.env), options.name);
  const printer = meshPrinter(context.terminal);
  try {
    let resolveReady: (() => void) | undefined;
    const ready = new Promise<void>((done) => {
      resolveReady = done;
    });
    const onEvent = (event: MeshEvent) => {
      printer.print(event);
      if (event.kind !== "ready") return;
      if (afterReady !== undefined) context.terminal.write(afterReady);
      resolveReady?.();
    };
    const mesh = await startMesh(context, { ...options, onEvent, signal: context.signal });
    if (mesh === undefined) return exitCodes.no;
    const patience = isOnce ? watchErrors(printer, systemClock) : undefined;
    const isEnough = patience && Promise.race([ready, patience.isOver]);
    const end = await lifeOf(mesh, { ready: isEnough, context });
    patience?.close();
    return reportEnd(end, printer.errorCount > 0 && isOnce);
  } finally {
    await use.release();
    await lock.release();
  }
}

/** Undefined where the user has stopped it before it was up. */
async function startMesh(
  { operations, terminal }: CommandContext,
  launch: MeshLaunch,
): Promise<RunningMesh | undefined> {
  try {
    return await operations.startLocalMesh(launch);
  } catch (error) {
    if (launch.signal.aborted) {
      terminal.writeError(`mesh "${launch.name}" was stopped before it had started\n`);
      return undefined;
    }
    if (error instanceof CommandFailure) throw error;
    const reason = describeFileFault(error) ?? (error instanceof Error ? error.message : String(error));
    const [line] = reason.trim().split("\n");
    throw new CommandFailure(exitCodes.environment, `Cannot start mesh "${launch.name}": ${line}`);
  }
}

/** How long --once waits for a mesh in which something is wrong: much that goes wrong at first mends itself. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 1_000;

interface Patience {
  /** Errors have stood without a pause for as long as --once waits. */
  readonly isOver: Promise<void>;
  close(): void;
}

export function watchErrors(printer: Pick<MeshPrinter, "errorCount">, clock: Clock): Patience {
  let cancel: (() => void) | undefined;
  const isOver = new Promise<void>((resolve) => {
    let sinceMs: number | undefined;
    const look = () => {
      sinceMs = printer.errorCount === 0 ? undefined : (sinceMs ?? clock.now());
      if (sinceMs !== undefined && clock.now() - sinceMs >= PATIENCE_MS) resolve();
      else cancel = clock.after(LOOK_MS, look);
    };
    look();
  });
  return { isOver, close: () => cancel?.() };
}

interface Life {
  /** Resolves when the mesh may end by itself, for --once. */
  readonly ready: Promise<void> | undefined;
  readonly context: CommandContext;
}

async function lifeOf(mesh: RunningMesh, { ready, context }: Life): Promise<MeshEnd> {
  const stopped = new Promise<void>((done) => {
    if (context.signal.aborted) done();
    else context.signal.addEventListener("abort", () => done(), { once: true });
  });
  const end = await Promise.race([mesh.ended, stopped, ...(ready === undefined ? [] : [ready])]);
  if (end !== undefined) return end;
  if (context.signal.aborted) context.terminal.writeError("\nstopping; press Ctrl-C again to kill\n");
  const kill = () => mesh.kill();
  process.on("SIGINT", kill);
  await mesh.close();
  process.off("SIGINT", kill);
  return mesh.ended;
}

function reportEnd(end: MeshEnd, hasProblems: boolean): ExitCode {
  if (end.kind === "failed") throw new CommandFailure(exitCodes.environment, end.sentence);
  if (end.kind === "died") {
    throw new CommandFailure(
      exitCodes.environment,
      `The mesh has died: ${end.reason}`,
      "start it again: meltemi up",
    );
  }
  return hasProblems ? exitCodes.no : exitCodes.done;
}

export function meshOptions(
  { env }: CommandContext,
  input: CommandInput,
  directories: readonly string[],
): MeshOptions {
  const name = meshToRun(env, input);
  const meshConfigFile = textOption(input, "meshConfig");
  for (const path of [...directories, ...(meshConfigFile === undefined ? [] : [meshConfigFile])]) {
    if (path !== "-") assertReadable(path);
  }
  const ranges = meshRanges(textOption(input, "podCidr"), textOption(input, "serviceCidr"));
  return {
    name,
    stateDirectory: stateDirectory(env, name),
    manifests: directories,
    meshConfigFile,
    xdsPort: parsePort("--xds-port", textOption(input, "xdsPort"), 15_010),
    adminPort: parsePort("--admin-port", textOption(input, "adminPort"), 15_014),
    ...ranges,
    imageCommands: parseImages(listOption(input, "image")),
  };
}

function parsePort(flag: string, text: string | undefined, otherwise: number): PortChoice {
  if (text === undefined) return { port: otherwise, isExact: false };
  const isPort = /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
  if (isPort) return { port: Number(text), isExact: Number(text) !== 0 };
  throw new CommandFailure(
    exitCodes.usage,
    `Cannot listen on port "${text}": ${flag} takes 0 (a free one) to 65535`,
  );
}

function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    const reason = describeFileFault(error) ?? String(error);
    throw new CommandFailure(exitCodes.usage, `Cannot read ${reason}`);
  }
}

/** `NAME=COMMAND`; a name may hold a port or digest, so the first equals sign counts. */
function parseImages(pairs: readonly string[]): Record<string, string> {
  const commands: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals <= 0 || equals === pair.length - 1) {
      const example = `--image shop/reviews="node reviews.js"`;
      throw new CommandFailure(
        exitCodes.usage,
        `Cannot read --image "${pair}": wanted NAME=COMMAND`,
        `such as ${example}`,
      );
    }
    commands[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return commands;
}
