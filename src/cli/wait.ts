// `meltemi wait KIND/NAME`: returns when every proxy that an object concerns has acknowledged it as it is now.

import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Mesh, ProgrammedObject } from "../admin/contract/mesh.ts";
import { reasonsText } from "../admin/contract/refusal-reasons.ts";
import { parseDurationMs } from "../core/duration.ts";
import { nearestSpelling } from "../core/nearest-spelling.ts";
import { objectKey, objectKeyText } from "../core/object-key.ts";
import type { Kind, KubernetesObject } from "../kinds/define-kind.ts";
import { withMesh } from "./choose-mesh.ts";
import type { CommandContext, CommandInput } from "./command.ts";
import { textArgument, textOption } from "./command.ts";
import type { ExitCode } from "./exit-code.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { checkNamespace, findKind } from "./get.ts";

const DEFAULT_NAMESPACE = "default";
const DEFAULT_TIMEOUT_MS = 30_000;
/** A look at a cluster opens a connection to each replica of its control plane: they become rarer. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 500;
const PAUSE_GROWTH = 1.2;
/** A file that was just saved is read soon after; until then the object before it is in force everywhere. */
const SETTLE_MS = 500;
/** As long as it takes to read a file; what isn't there then is misspelled. */
const ABSENT_LIMIT_MS = 3_000;

/** Ends with 1 when a proxy refuses it, or the time is over. */
export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const { kinds } = await import("../kinds/all-kinds.ts");
  const wanted = parseWanted(input, kinds);
  const timeoutMs = parseTimeout(textOption(input, "timeout"));
  const { signal } = context;
  const sentence = await withMesh(context, input, (mesh) =>
    waitUntilProgrammed(mesh, wanted, { timeoutMs, signal }),
  );
  context.terminal.write(`${sentence}\n`);
  return exitCodes.done;
}

interface Wanted {
  readonly kind: Kind;
  /** Undefined: of whichever namespace has one, `default` first. */
  readonly namespace: string | undefined;
  readonly name: string;
}

function parseWanted(input: CommandInput, kinds: readonly Kind[]): Wanted {
  const [word = "", name = "", ...rest] = (textArgument(input, 0) ?? "").split("/");
  if (name === "" || rest.length > 0) {
    const hint = "name one object: meltemi wait vs/reviews -n shop";
    throw new CommandFailure(exitCodes.usage, `Cannot wait for "${textArgument(input, 0)}"`, hint);
  }
  const kind = findKind(word, kinds);
  const namespace = kind.scope === "Namespaced" ? textOption(input, "namespace") : "";
  return { kind, namespace, name };
}

function parseTimeout(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const parsed = parseDurationMs(text);
  if (parsed === undefined || parsed <= 0)
    throw new CommandFailure(exitCodes.usage, `Cannot wait for "${text}"`, "a duration, such as 30s or 2m");
  return parsed;
}

interface Patience {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Resolves to the sentence that says so. */
async function waitUntilProgrammed(
  mesh: Mesh,
  asked: Wanted,
  { timeoutMs, signal }: Patience,
): Promise<string> {
  const startMs = performance.now();
  let pauseMs = FIRST_PAUSE_MS;
  let settled: { readonly object: unknown; readonly sinceMs: number } | undefined;
  for (;;) {
    const { stored, all, report } = await look(mesh, asked);
    const wanted = { ...asked, namespace: stored?.metadata.namespace ?? asked.namespace };
    const nowMs = performance.now();
    if (stored === undefined && nowMs - startMs > Math.min(timeoutMs, ABSENT_LIMIT_MS)) {
      await checkNamespace(mesh, asked.namespace === "" ? undefined : asked.namespace);
      throw absent(asked, all);
    }
    const isAnswered = report?.isInForce === true && report.awaited.length === 0;
    if (!isAnswered) settled = undefined;
    else if (!isDeepStrictEqual(settled?.object, asWritten(stored)))
      settled = { object: asWritten(stored), sinceMs: nowMs };
    if (report !== undefined && settled !== undefined && nowMs - settled.sinceMs >= SETTLE_MS) {
      if (report.refusedBy.length > 0) throw refused(wanted, report);
      return sentenceOf(wanted, report);
    }
    if (nowMs - startMs > timeoutMs)
      throw late(wanted, report, { problemsHint: mesh.problemsHint, timeoutMs });
    // This timer keeps the process alive, as a Clock's doesn't.
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * PAUSE_GROWTH, MAX_PAUSE_MS);
    if (signal.aborted) throw new CommandFailure(exitCodes.no, "Stopped waiting");
  }
}

/** Without what the mesh itself writes into it as it goes on. */
function asWritten(object: KubernetesObject | undefined): unknown {
  if (object === undefined) return undefined;
  const { status: _, metadata, ...rest } = object;
  const { resourceVersion: __, ...lasting } = metadata;
  return { ...rest, metadata: lasting };
}

interface Look {
  readonly stored: KubernetesObject | undefined;
  /** Of the kind and namespace. */
  readonly all: readonly KubernetesObject[];
  /** Absent where the object is. */
  readonly report: ProgrammedObject | undefined;
}

async function look(mesh: Mesh, { kind, namespace, name }: Wanted): Promise<Look> {
  const all = await mesh.objects(kind, namespace || undefined);
  const stored = choose(kind, name, all);
  return { stored, all, report: stored && (await mesh.programmed(stored)) };
}

/** Of several namespaces that have one, `default` is meant, as everywhere; else the user has to say which. */
function choose(kind: Kind, name: string, all: readonly KubernetesObject[]): KubernetesObject | undefined {
  const named = all.filter(({ metadata }) => metadata.name === name);
  const [only, second] = named;
  if (second === undefined) return only;
  const ofDefault = named.find(({ metadata }) => metadata.namespace === DEFAULT_NAMESPACE);
  if (ofDefault !== undefined) return ofDefault;
  const choices = named.map(({ metadata }) => `-n ${metadata.namespace}`).join(" or ");
  const message = `${kind.kind} "${name}" is in several namespaces`;
  throw new CommandFailure(exitCodes.usage, message, `say which: ${choices}`);
}

function textOf({ kind, namespace = DEFAULT_NAMESPACE, name }: Wanted): string {
  return objectKeyText(objectKey({ kind: kind.kind, namespace, name }));
}

function sentenceOf(wanted: Wanted, { proxyCount, acknowledgedCount }: ProgrammedObject): string {
  const text = textOf(wanted);
  if (proxyCount === 0) return `${text}: no proxy is concerned`;
  return `${text}: ${acknowledgedCount} of ${proxyCount} proxies have it`;
}

function absent(wanted: Wanted, all: readonly KubernetesObject[]): CommandFailure {
  const nearest = nearestSpelling(
    wanted.name,
    all.map(({ metadata }) => metadata.name),
  );
  const hint = nearest === undefined ? undefined : `did you mean "${nearest}"?`;
  return new CommandFailure(exitCodes.no, `There is no ${textOf(wanted)}`, hint);
}

function refused(wanted: Wanted, report: ProgrammedObject): CommandFailure {
  const { acknowledgedCount, proxyCount, refusedBy, reasons } = report;
  const why = reasons.length === 0 ? `${refusedBy.length} refuse it` : reasonsText(reasons);
  const message = `${textOf(wanted)}: ${acknowledgedCount} of ${proxyCount} proxies have it; ${why}`;
  const hint = "a proxy that refuses it keeps what it had: meltemi proxy-status";
  return new CommandFailure(exitCodes.no, message, hint);
}

function late(
  wanted: Wanted,
  report: ProgrammedObject | undefined,
  { problemsHint, timeoutMs }: { readonly problemsHint: string; readonly timeoutMs: number },
): CommandFailure {
  const after = `after ${timeoutMs / 1000} s`;
  if (report?.isInForce !== true) {
    const message = `${textOf(wanted)} isn't in force as it is written ${after}`;
    return new CommandFailure(exitCodes.no, message, problemsHint);
  }
  const { acknowledgedCount, proxyCount, awaited } = report;
  const names = awaited.slice(0, 3).join(", ") + (awaited.length > 3 ? ", …" : "");
  const count = `${acknowledgedCount} of ${proxyCount} proxies have it ${after}`;
  return new CommandFailure(
    exitCodes.no,
    `${textOf(wanted)}: ${count}; awaited: ${names}`,
    "meltemi proxy-status",
  );
}
