// `meltemi get KIND [NAME]`: the objects in force, as a table of the kind's own columns, or whole.
// Pods are shown as they run, with the memory of their proxies under -o wide.

import type { Mesh } from "../admin/contract/mesh.ts";
import { nearestSpelling, spellingHint } from "../core/nearest-spelling.ts";
import type { Kind, KubernetesObject } from "../kinds/define-kind.ts";
import { withMesh } from "./choose-mesh.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { objectTable } from "./object-table.ts";
import type { OutputFormat } from "./output-format.ts";
import { parseOutputFormat, writeValue } from "./output-format.ts";
import { podTable, processTable } from "./pod-table.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "wide", "json", "yaml"]);
  const { kinds } = await import("../kinds/all-kinds.ts");
  const kind = findKind(textArgument(input, 0) ?? "", kinds);
  return withMesh(context, input, (mesh) => showObjects(context, mesh, { kind, input, format }));
}

interface ObjectChoice {
  readonly kind: Kind;
  readonly input: CommandInput;
  readonly format: OutputFormat;
}

async function showObjects(
  context: CommandContext,
  mesh: Mesh,
  { kind, input, format }: ObjectChoice,
): Promise<ExitCode> {
  const name = textArgument(input, 1);
  const namespace = textOption(input, "namespace");
  if (kind.kind === "Pod" && (format === "table" || format === "wide")) {
    return showPods(context, mesh, { name, namespace, format });
  }
  const all = await mesh.objects(kind, namespace);
  const objects = name === undefined ? all : all.filter(({ metadata }) => metadata.name === name);
  if (objects.length === 0) await checkNamespace(mesh, namespace);
  if (name !== undefined && objects.length === 0) throw absent(kind, name, all);
  if (format === "json" || format === "yaml") {
    const whole = name === undefined ? { apiVersion: "v1", kind: "List", items: objects } : objects[0];
    await writeValue(context.terminal, whole, format);
  } else if (objects.length === 0) {
    context.terminal.write(nothingText(kind.plural, namespace));
  } else {
    context.terminal.write(objectTable(kind, objects, Date.now()));
  }
  return exitCodes.done;
}

interface PodChoice {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly format: OutputFormat;
}

async function showPods({ terminal }: CommandContext, mesh: Mesh, choice: PodChoice): Promise<ExitCode> {
  const all = await mesh.pods(choice.namespace);
  const pods = all.filter((pod) => choice.name === undefined || pod.name === choice.name);
  if (choice.name !== undefined && pods.length === 0) {
    const nearest = nearestSpelling(
      choice.name,
      all.map(({ name }) => name),
    );
    throw noObject("pod", choice.name, nearest);
  }
  if (pods.length === 0) {
    await checkNamespace(mesh, choice.namespace);
    terminal.write(nothingText("pods", choice.namespace));
    return exitCodes.done;
  }
  const isWide = choice.format === "wide";
  terminal.write(podTable(pods, { isWide, nowMs: Date.now() }));
  const processes = isWide ? await mesh.processes() : [];
  if (processes.length > 0) terminal.write(`\n${processTable(processes)}`);
  return exitCodes.done;
}

function nothingText(plural: string, namespace: string | undefined): string {
  return `No ${plural}${namespace === undefined ? "" : ` in namespace "${namespace}"`}\n`;
}

/** Nothing in a namespace that isn't there is most likely a slip. Who may not list namespaces isn't told. */
export async function checkNamespace(mesh: Mesh, namespace: string | undefined): Promise<void> {
  if (namespace === undefined) return;
  const names = await namespaceNames(mesh);
  if (names === undefined || names.includes(namespace)) return;
  const hint = spellingHint(namespace, names) ?? `namespaces: ${names.join(", ")}`;
  throw new CommandFailure(exitCodes.no, `There is no namespace "${namespace}"`, hint);
}

const FORBIDDEN = 403;

async function namespaceNames(mesh: Mesh): Promise<readonly string[] | undefined> {
  try {
    const { namespaceKind } = await import("../kinds/namespace.ts");
    return (await mesh.objects(namespaceKind)).map(({ metadata }) => metadata.name);
  } catch (error) {
    if ((error as { readonly status?: unknown }).status === FORBIDDEN) return undefined;
    throw error;
  }
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
