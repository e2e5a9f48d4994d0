// `meltemi logs WORKLOAD`: what its containers printed, and with -f what they print.

import type { LogQuery } from "../admin/contract/mesh.ts";
import type { LogLine, PodReport } from "../admin/contract/supervisor.ts";
import { parseDurationMs } from "../core/duration.ts";
import { nearestSpelling } from "../core/nearest-spelling.ts";
import { withMesh } from "./choose-mesh.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";
import { paint, workloadStyles } from "./terminal.ts";
import { findPods } from "./workload-argument.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const namespace = textOption(input, "namespace");
  const container = textOption(input, "container");
  const tailCount = parseTail(textOption(input, "tail"));
  const sinceMs = parseSince(textOption(input, "since"));
  const query: LogQuery = {
    isFollowing: flagOption(input, "follow"),
    signal: context.signal,
    ...(container === undefined ? {} : { container }),
    ...(tailCount === undefined ? {} : { tailCount }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
  return withMesh(context, input, async (mesh) => {
    const pods = findPods(await mesh.pods(namespace), textArgument(input, 0) ?? "", namespace);
    if (container !== undefined) checkContainer(pods, container);
    const isSeveral = pods.length > 1;
    const printers = pods.map(
      (pod, index) => () => printPod(context.terminal, mesh.logs(pod, query), { pod, index, isSeveral }),
    );
    // Pods follow one another unless they are followed: then their lines come as they are printed.
    if (query.isFollowing) await Promise.all(printers.map((print) => print()));
    else for (const print of printers) await print();
    return exitCodes.done;
  });
}

interface PodLog {
  readonly pod: PodReport;
  readonly index: number;
  readonly isSeveral: boolean;
}

async function printPod(
  terminal: Terminal,
  lines: AsyncIterable<LogLine>,
  { pod, index, isSeveral }: PodLog,
): Promise<void> {
  const prefix = isSeveral ? podPrefix(terminal, pod.name, index) : "";
  for await (const { text } of lines) terminal.write(`${prefix}${text}\n`);
}

function podPrefix(terminal: Terminal, name: string, index: number): string {
  return `${paint(terminal, workloadStyles[index % workloadStyles.length] ?? "cyan", name)} | `;
}

function parseTail(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommandFailure(exitCodes.usage, `Cannot show the last "${text}" lines: --tail takes a number`);
}

function parseSince(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const sinceMs = parseDurationMs(text);
  if (sinceMs !== undefined && sinceMs > 0) return sinceMs;
  throw new CommandFailure(exitCodes.usage, `Cannot show what is newer than "${text}"`, "such as 30s or 5m");
}

function checkContainer(pods: readonly PodReport[], container: string): void {
  const names = [...new Set(pods.flatMap((pod) => pod.containers.map(({ name }) => name)))];
  if (names.includes(container)) return;
  const nearest = nearestSpelling(container, names);
  const hint = nearest === undefined ? `containers: ${names.join(", ")}` : `did you mean "${nearest}"?`;
  throw new CommandFailure(
    exitCodes.no,
    `There is no container "${container}" in ${pods[0]?.name ?? "it"}`,
    hint,
  );
}
