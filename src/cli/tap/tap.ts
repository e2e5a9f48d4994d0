// `meltemi tap`: requests and connections as they happen at the proxies of a workload, or of all.

import type { Mesh } from "../../admin/contract/mesh.ts";
import type { PodReport } from "../../admin/contract/supervisor.ts";
import { printable } from "../../core/printable.ts";
import { parseTapSearch, type TapEvent, type TapLoss, type TapQuery } from "../../core/tap-event.ts";
import { explainOutcome } from "../../explain/explain-outcome.ts";
import { withMesh } from "../choose-mesh.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { flagOption, listOption, textArgument, textOption } from "../command.ts";
import { CommandFailure, type ExitCode, exitCodes } from "../exit-code.ts";
import { findPods } from "../workload-argument.ts";
import { createLimits, type KnownLimit } from "./connection-limits.ts";
import { tapLine, tapLossLine } from "./tap-line.ts";

/** Each is a connection, in a cluster through its API server. */
const MAX_PODS = 50;

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const query = readQuery(input);
  const max = parseMax(textOption(input, "max"));
  const isJson = parseFormat(textOption(input, "output"));
  return withMesh(context, input, async (mesh) => {
    const pods = await tappedPods(mesh, textArgument(input, 0), textOption(input, "namespace"));
    return tapAll(context, { mesh, pods, query, max, isJson });
  });
}

function readQuery(input: CommandInput): TapQuery {
  const texts = ["from", "to", "path", "method", "status"].map((name) => [
    name,
    textOption(input, name) ?? "",
  ]);
  const search = new URLSearchParams(Object.fromEntries(texts));
  search.set("header", listOption(input, "header").join());
  if (flagOption(input, "showQuery")) search.set("query", "show");
  const query = parseTapSearch(search);
  if (typeof query !== "string") return query;
  throw new CommandFailure(exitCodes.usage, `Cannot tap: ${query}`);
}

function parseMax(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CommandFailure(exitCodes.usage, `Cannot end after "${text}": --max takes a number above 0`);
}

function parseFormat(text: string | undefined): boolean {
  if (text === undefined || text === "json") return text === "json";
  throw new CommandFailure(exitCodes.usage, `Cannot print as "${text}": -o takes json`);
}

async function tappedPods(
  mesh: Mesh,
  workload: string | undefined,
  namespace: string | undefined,
): Promise<readonly PodReport[]> {
  const all = await mesh.pods(namespace);
  const named = workload === undefined ? all : findPods(all, workload, namespace);
  const pods = named.filter(({ phase, containers }) => phase === "Running" && containers.some(isProxy));
  if (pods.length === 0) {
    const what = workload === undefined ? "No pod" : `No pod of "${workload}"`;
    throw new CommandFailure(exitCodes.no, `${what} runs with a proxy to tap`, "see them: meltemi get pods");
  }
  if (pods.length <= MAX_PODS) return pods;
  const message = `Cannot tap ${pods.length} pods: ${MAX_PODS} at the most`;
  throw new CommandFailure(exitCodes.usage, message, "name a workload, or a namespace: -n shop");
}

function isProxy({ name }: PodReport["containers"][number]): boolean {
  return name === "istio-proxy";
}

interface TapOrder {
  readonly mesh: Mesh;
  readonly pods: readonly PodReport[];
  readonly query: TapQuery;
  readonly max: number;
  readonly isJson: boolean;
}

/** Ends with 1 where no proxy can be tapped, or none any more. */
async function tapAll({ signal, terminal }: CommandContext, order: TapOrder): Promise<ExitCode> {
  const { mesh, pods, query, max, isJson } = order;
  const enough = new AbortController();
  const ended = AbortSignal.any([signal, enough.signal]);
  const limits = createLimits(async (namespace) => {
    const { destinationRuleKind } = await import("../../kinds/destination-rule/destination-rule.ts");
    return mesh.objects(destinationRuleKind, namespace);
  });
  let count = 0;
  const show = async (item: TapEvent | TapLoss, pod: PodReport): Promise<void> => {
    if (count >= max) return;
    if ("dropped" in item) {
      terminal.writeError(`${tapLossLine(item, pod.name)}\n`);
      return;
    }
    count += 1;
    const limit = await limits(item);
    terminal.write(`${isJson ? jsonLine(item, pod, limit) : tapLine(item, limit)}\n`);
    if (count >= max) enough.abort();
  };
  const failures: unknown[] = [];
  const tapOne = async (pod: PodReport): Promise<void> => {
    try {
      for await (const item of mesh.tap(pod, query, ended)) await show(item, pod);
      if (ended.aborted) return;
      throw new CommandFailure(exitCodes.no, `The proxy of pod "${pod.name}" has ended its tap`);
    } catch (error) {
      if (ended.aborted) return;
      failures.push(error);
      // The last one ends the command, which says why.
      if (failures.length < pods.length) terminal.writeError(`${printable(messageOf(error))}\n`);
    }
  };
  await Promise.all(pods.map(tapOne));
  if (ended.aborted) return exitCodes.done;
  throw failures.at(-1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function jsonLine(event: TapEvent, { name: pod, namespace }: PodReport, limit: KnownLimit): string {
  const outcome = explainOutcome(event, limit);
  return JSON.stringify({ pod, namespace, ...event, ...(outcome !== undefined && { outcome }) });
}
