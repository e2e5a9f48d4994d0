// `meltemi get KIND [NAME]`: the objects in force, as a table of the kind's own columns, or whole.
// Pods are shown as they run, with the memory of their proxies under -o wide.

import type { MeshReport, PodReport } from "../admin/contract/supervisor.ts";
import { nearestSpelling } from "../core/nearest-spelling.ts";
import type { Kind, KubernetesObject } from "../kinds/define-kind.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { MeshClient } from "./mesh-client.ts";
import { openMesh } from "./mesh-client.ts";
import type { OutputFormat } from "./output-format.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";
import { podTable, processTable } from "./pod-table.ts";
import { renderTable } from "./table.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "wide", "json", "yaml"]);
  const { kinds } = await import("../kinds/all-kinds.ts");
  const kind = findKind(textArgument(input, 0) ?? "", kinds);
  const mesh = openMesh(context.env, textOption(input, "mesh"));
  const name = textArgument(input, 1);
  const namespace = textOption(input, "namespace");
  if (kind.kind === "Pod" && (format === "table" || format === "wide")) {
    return showPods(context, mesh, { name, namespace, format });
  }
  const all = await mesh.get<KubernetesObject[]>("supervisor", "/objects", { kind: kind.kind, namespace });
  const objects = name === undefined ? all : all.filter(({ metadata }) => metadata.name === name);
  if (name !== undefined && objects.length === 0) throw absent(kind, name, all);
  if (format === "json" || format === "yaml") {
    const whole = name === undefined ? { apiVersion: "v1", kind: "List", items: objects } : objects[0];
    await writeValue(context.terminal, whole, format);
  } else {
    context.terminal.write(objectTable(kind, objects));
  }
  return exitCodes.done;
}

interface PodChoice {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly format: OutputFormat;
}

async function showPods(
  { terminal }: CommandContext,
  mesh: MeshClient,
  choice: PodChoice,
): Promise<ExitCode> {
  const all = await mesh.get<PodReport[]>("supervisor", "/pods");
  const pods = all.filter(
    (pod) =>
      (choice.namespace === undefined || pod.namespace === choice.namespace) &&
      (choice.name === undefined || pod.name === choice.name),
  );
  if (choice.name !== undefined && pods.length === 0) {
    const nearest = nearestSpelling(
      choice.name,
      all.map(({ name }) => name),
    );
    throw noObject("pod", choice.name, nearest);
  }
  const isWide = choice.format === "wide";
  terminal.write(podTable(pods, { isWide, nowMs: Date.now() }));
  if (isWide) {
    const { processes } = await mesh.get<MeshReport>("supervisor", "/mesh");
    terminal.write(`\n${processTable(processes)}`);
  }
  return exitCodes.done;
}

/** By Kind, plural or short name, in any case. */
export function findKind(word: string, kinds: readonly Kind[]): Kind {
  const namesOf = ({ kind, plural, shortNames }: Kind) => [kind.toLowerCase(), plural, ...shortNames];
  const wanted = word.toLowerCase();
  const kind = kinds.find((each) => namesOf(each).includes(wanted));
  if (kind !== undefined) return kind;
  const nearest = nearestSpelling(wanted, kinds.flatMap(namesOf));
  const hint =
    nearest === undefined
      ? `kinds: ${kinds.map(({ plural }) => plural).join(", ")}`
      : `did you mean "${nearest}"?`;
  throw new CommandFailure(exitCodes.usage, `Cannot get "${word}": no kind is called so`, hint);
}

export function objectTable(kind: Kind, objects: readonly KubernetesObject[]): string {
  if (objects.length === 0) return `No ${kind.plural}\n`;
  const isNamespaced = kind.scope === "Namespaced";
  const titles = [
    ...(isNamespaced ? ["NAMESPACE"] : []),
    "NAME",
    ...kind.columns.map(({ title }) => title.toUpperCase()),
  ];
  const rows = objects.map((object) => [
    ...(isNamespaced ? [object.metadata.namespace] : []),
    object.metadata.name,
    ...kind.columns.map(({ path }) => cellText(valueAt(object, path))),
  ]);
  return renderTable(titles, rows);
}

function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const field of path.split(".")) {
    const isList = field.endsWith("[]");
    const name = isList ? field.slice(0, -2) : field;
    value =
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value;
}

function cellText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map((item) => cellText(item) ?? "").join(",");
  return typeof value === "object" ? objectText(value) : String(value);
}

/** Ports as `kubectl` writes them; selectors and the like as `key=value`. */
function objectText(value: object): string {
  const { port, protocol } = value as { readonly port?: unknown; readonly protocol?: unknown };
  if (typeof port === "number") return `${port}/${protocol ?? "TCP"}`;
  const pairs = Object.entries(value).map(([key, each]) => `${key}=${cellText(each) ?? ""}`);
  return pairs.join(",");
}

function absent(kind: Kind, name: string, all: readonly KubernetesObject[]): CommandFailure {
  const nearest = nearestSpelling(
    name,
    all.map(({ metadata }) => metadata.name),
  );
  return noObject(kind.kind, name, nearest);
}

function noObject(kind: string, name: string, nearest: string | undefined): CommandFailure {
  const hint = nearest === undefined ? undefined : `did you mean "${nearest}"?`;
  return new CommandFailure(exitCodes.no, `There is no ${kind} "${name}"`, hint);
}
