// `meltemi logs WORKLOAD`: what its containers printed, and with -f what they print.

import type { LogLine, PodReport } from "../admin/contract/supervisor.ts";
import { nearestSpelling } from "../core/nearest-spelling.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { flagOption, textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { MeshClient, Query } from "./mesh-client.ts";
import { openMesh } from "./mesh-client.ts";
import type { Terminal } from "./terminal.ts";
import { paint, workloadStyles } from "./terminal.ts";
import { findPods } from "./workload-argument.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const mesh = openMesh(context.env, textOption(input, "mesh"));
  const pods = await mesh.get<PodReport[]>("supervisor", "/pods");
  const chosen = findPods(pods, textArgument(input, 0) ?? "", textOption(input, "namespace"));
  const container = textOption(input, "container");
  if (container !== undefined) checkContainer(chosen, container);
  const query = {
    container,
    tail: parseTail(textOption(input, "tail")),
    follow: flagOption(input, "follow") ? "true" : undefined,
  };
  const isSeveral = chosen.length > 1;
  // Pods follow one another unless they are followed: then their lines come as they are printed.
  const printers = chosen.map(
    (pod, index) => () => printPod(context, mesh, { pod, query, index, isSeveral }),
  );
  if (query.follow === "true") await Promise.all(printers.map((print) => print()));
  else for (const print of printers) await print();
  return exitCodes.done;
}

interface PodLog {
  readonly pod: PodReport;
  readonly query: Query;
  readonly index: number;
  readonly isSeveral: boolean;
}

async function printPod({ terminal, signal }: CommandContext, mesh: MeshClient, log: PodLog): Promise<void> {
  const { pod, query, index } = log;
  const prefix = log.isSeveral ? podPrefix(terminal, pod.name, index) : "";
  const place = { namespace: pod.namespace, pod: pod.name };
  for await (const line of mesh.lines<LogLine>("supervisor", "/logs", {
    query: { ...place, ...query },
    signal,
  })) {
    terminal.write(`${prefix}${line.text}\n`);
  }
}

function podPrefix(terminal: Terminal, name: string, index: number): string {
  return `${paint(terminal, workloadStyles[index % workloadStyles.length] ?? "cyan", name)} | `;
}

function parseTail(text: string | undefined): string | undefined {
  if (text === undefined || /^\d+$/.test(text)) return text;
  throw new CommandFailure(exitCodes.usage, `Cannot show the last "${text}" lines: --tail takes a number`);
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
