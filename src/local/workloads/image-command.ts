// What to run for a container: its own command, or what is known of its image. Pure; nothing is pulled or run.

import { isAbsolute, join } from "node:path";
import { parse as parseYaml } from "yaml";
import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Container } from "../../kinds/pod/container.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { containerPath } from "./environment.ts";
import type { Resolution } from "./resolution.ts";
import { resolved, unresolved } from "./resolution.ts";
import { parseShellWords } from "./shell-words.ts";

export const COMMAND_ANNOTATION = "local.meltemi.dev/command";

/** What stands in for an image on this machine. */
export interface ImageCommand {
  readonly command: readonly string[];
  readonly args?: readonly string[];
  /** Absolute. */
  readonly workingDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** By image as manifests write it, or without its tag. */
export type ImageCommands = ReadonlyMap<string, ImageCommand>;

/** Before $(NAME) is expanded. */
export interface ContainerCommand {
  readonly argv: readonly string[];
  readonly workingDir?: string;
  /** The image's own variables; the container's win. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The container's `command`, else the annotation `local.meltemi.dev/command` of the pod, else the image's entry.
 * `args` of the container are appended, in place of the image's own.
 */
export function resolveCommand(
  pod: Pod,
  container: Container,
  images: ImageCommands,
): Resolution<ContainerCommand> {
  const image = imageEntry(container.image, images);
  const settings = {
    env: image?.env ?? {},
    ...withDirectory(container.workingDir ?? image?.workingDir),
  };
  const { command, args } = container;
  if (command !== undefined && command.length > 0) {
    return resolved({ argv: [...command, ...(args ?? [])], ...settings });
  }
  const annotation = annotationFor(pod, container);
  if (annotation !== undefined) {
    const words = parseCommand(annotation);
    if (words === undefined) return unresolved(unreadableCommand(pod, annotation));
    return resolved({ argv: [...words, ...(args ?? [])], ...settings });
  }
  if (image === undefined) return unresolved(unknownImage(pod, container));
  return resolved({ argv: [...image.command, ...(args ?? image.args ?? [])], ...settings });
}

function withDirectory(workingDir: string | undefined) {
  return workingDir === undefined ? {} : { workingDir };
}

/** `local.meltemi.dev/command.NAME` speaks of one container, the plain annotation of the pod's first. */
function annotationFor(pod: Pod, container: Container): string | undefined {
  const annotations = pod.metadata.annotations ?? {};
  const own = annotations[`${COMMAND_ANNOTATION}.${container.name}`];
  if (own !== undefined) return own;
  const [first] = pod.spec.containers.filter((candidate) => candidate.name !== "istio-proxy");
  return container.name === first?.name ? annotations[COMMAND_ANNOTATION] : undefined;
}

/** A JSON array of strings, or shell words; undefined where it is neither, or empty. */
export function parseCommand(text: string): readonly string[] | undefined {
  const words = text.trim().startsWith("[") ? parseJsonWords(text) : parseShellWords(text);
  return words === undefined || words.length === 0 ? undefined : words;
}

function parseJsonWords(text: string): readonly string[] | undefined {
  try {
    const words: unknown = JSON.parse(text);
    return isWords(words) ? words : undefined;
  } catch {
    return undefined;
  }
}

function isWords(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}

function imageEntry(image: string | undefined, images: ImageCommands): ImageCommand | undefined {
  if (image === undefined) return undefined;
  const withoutDigest = image.split("@")[0] ?? image;
  return images.get(image) ?? images.get(withoutDigest) ?? images.get(withoutDigest.replace(/:[^:/]*$/, ""));
}

export interface ImagesFile {
  /** As the user gave it, for messages. */
  readonly file: string;
  /** Absolute; relative paths in the file are relative to it. */
  readonly directory: string;
  readonly text: string;
}

/** Reads an `images.yaml`: image → `{command, args?, workingDir?, env?}`, command and args as words or one line. */
export function parseImages({ file, directory, text }: ImagesFile): {
  readonly images: ImageCommands;
  readonly problems: readonly Problem[];
} {
  const images = new Map<string, ImageCommand>();
  const problems: Problem[] = [];
  const report = (message: string) => {
    const hint = "each entry is an image name and `{command: [...], args?, workingDir?, env?}`";
    problems.push(problem("MLT3111", { location: { file, line: 1, column: 1 }, message, hint }));
  };
  for (const [image, entry] of Object.entries(readEntries(text, report))) {
    const parsed = parseEntry(entry, directory);
    if (parsed === undefined) report(`Cannot use the entry "${image}": its command isn't a list of words`);
    else images.set(image, parsed);
  }
  return { images, problems };
}

function readEntries(text: string, report: (message: string) => void): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = parseYaml(text) ?? {};
    if (typeof document === "object" && document !== null && !Array.isArray(document)) {
      return document as Readonly<Record<string, unknown>>;
    }
    report("Cannot read images: the document isn't a map from image to command");
  } catch (cause) {
    report(`Cannot read images: ${cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : cause}`);
  }
  return {};
}

function parseEntry(entry: unknown, directory: string): ImageCommand | undefined {
  if (typeof entry === "string" || Array.isArray(entry)) return parseEntry({ command: entry }, directory);
  if (typeof entry !== "object" || entry === null || !("command" in entry)) return undefined;
  const command = wordsOf(entry.command);
  const args = "args" in entry ? wordsOf(entry.args) : undefined;
  if (command === undefined || command.length === 0) return undefined;
  const workingDir = "workingDir" in entry && typeof entry.workingDir === "string" ? entry.workingDir : ".";
  return {
    command: command.map((word, index) => (index === 0 ? besides(directory, word) : word)),
    ...(args === undefined ? {} : { args }),
    workingDir: isAbsolute(workingDir) ? workingDir : join(directory, workingDir),
    env: "env" in entry ? variablesOf(entry.env) : {},
  };
}

// An executable named by a relative path lies beside the file; a bare name is looked up in PATH.
function besides(directory: string, executable: string): string {
  return executable.includes("/") && !isAbsolute(executable) ? join(directory, executable) : executable;
}

function wordsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return parseCommand(value);
  return Array.isArray(value) ? value.map(String) : undefined;
}

function variablesOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}

function podObject(pod: Pod) {
  return objectKey({ kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name });
}

function unknownImage(pod: Pod, container: Container): Problem {
  const image = container.image ?? "";
  const stem = (image.split("@")[0] ?? image).replace(/:[^:/]*$/, "");
  return problem("MLT3101", {
    object: podObject(pod),
    path: `${containerPath(pod, container)}.image`,
    message: `Cannot start container "${container.name}": its image "${image}" is not run here, and no command is known for it`,
    hint: `give one by the annotation ${COMMAND_ANNOTATION} on the pod template, by --image '${stem}=COMMAND', or by an entry "${stem}" in images.yaml beside the manifests`,
  });
}

function unreadableCommand(pod: Pod, text: string): Problem {
  return problem("MLT3101", {
    object: podObject(pod),
    path: `metadata.annotations['${COMMAND_ANNOTATION}']`,
    message: `Cannot read the command ${JSON.stringify(text)}: it is neither a JSON array of words nor shell words`,
  });
}
