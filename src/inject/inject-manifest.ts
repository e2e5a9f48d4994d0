// Injects every workload of a manifest (`meltemi inject -f`): documents keep their order, and all that injection doesn't
// change is given back as it was written, comments included.

import type { Document } from "yaml";
import { isNode, LineCounter, parseAllDocuments } from "yaml";
import { childPath, pathSteps } from "../core/field-path.ts";
import type { Location } from "../core/location.ts";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import { editDocument } from "./edit-document.ts";
import { injectPod } from "./inject-pod.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import { readPod } from "./read-pod.ts";

export interface InjectedManifest {
  readonly text: string;
  /** Workloads left without a sidecar, each with the reason; for people. */
  readonly skipped: readonly string[];
  readonly problems: readonly Problem[];
}

type Fields = Readonly<Record<string, unknown>>;

/** `file` is for the Problems' locations. */
export function injectManifest(text: string, file: string, settings: InjectionSettings): InjectedManifest {
  const skipped: string[] = [];
  const problems: Problem[] = [];
  const documents: string[] = [];
  const lineCounter = new LineCounter();
  for (const document of parseAllDocuments(text, { lineCounter })) {
    if (document.errors.length > 0) {
      problems.push(...document.errors.map((error) => unreadable(file, error)));
      continue;
    }
    const object: unknown = document.toJS();
    const locate = (path: string) => locationOf(document, path, { file, lineCounter });
    const findings = { skipped, problems, locate };
    const injected = isFields(object) ? injectObject({ object, at: "" }, settings, findings) : object;
    if (object !== null)
      documents.push(injected === object ? String(document) : editDocument(document, injected));
  }
  return { text: documents.map(trimDocument).join("---\n"), skipped, problems };
}

interface Findings {
  readonly skipped: string[];
  readonly problems: Problem[];
  /** Of a field in the document. */
  readonly locate: (path: string) => Location;
}

/** An object, and its path in the document: an item of a List has one. */
interface PlacedObject {
  readonly object: Fields;
  readonly at: string;
}

/** Where each kind keeps its pod. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ["spec", "template"],
  DeploymentConfig: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** The object itself when there is nothing to change. */
function injectObject({ object, at }: PlacedObject, settings: InjectionSettings, findings: Findings): Fields {
  const { kind, items } = object;
  if (typeof kind !== "string") return object;
  if (kind.endsWith("List") && Array.isArray(items)) {
    const injected = items.map((item, index) => {
      const place = childPath(childPath(at, "items"), index);
      return isFields(item) ? injectObject({ object: item, at: place }, settings, findings) : item;
    });
    return injected.every((item, index) => item === items[index]) ? object : { ...object, items: injected };
  }
  const steps = Object.hasOwn(templatePaths, kind) ? templatePaths[kind] : undefined;
  if (steps === undefined) return object;
  const path = steps.reduce(childPath, at);
  return replaceAt(object, steps, (template) =>
    injectTemplate(object, { template, path }, settings, findings),
  );
}

function replaceAt(object: Fields, path: readonly string[], replace: (found: unknown) => unknown): Fields {
  const [first, ...rest] = path;
  if (first === undefined) return replace(object) as Fields;
  const inner = object[first];
  const replaced =
    rest.length === 0 ? replace(inner) : replaceAt(isFields(inner) ? inner : {}, rest, replace);
  return isFields(inner) && replaced !== inner ? { ...object, [first]: replaced } : object;
}

/** The template itself where it gets no sidecar. */
function injectTemplate(
  object: Fields,
  { template, path }: { readonly template: unknown; readonly path: string },
  settings: InjectionSettings,
  findings: Findings,
): unknown {
  const name = `${String(object.kind)} ${nameOf(object).name}`;
  const read = readPod(template, path);
  if (read.kind === "unfit") {
    const told = ({ path: place = path, ...found }: Problem): Problem => ({
      ...found,
      path: place,
      location: findings.locate(place),
      message: `Cannot inject ${name}: ${found.message}`,
    });
    findings.problems.push(...read.problems.map(told));
    return template;
  }
  const injection = injectPod(podOf(object, read.pod), undefined, settings);
  if (injection.kind === "skipped") findings.skipped.push(`${name}: ${injection.reason}`);
  if (injection.kind === "refused") findings.problems.push(...injection.problems);
  if (injection.kind !== "injected") return template;
  findings.problems.push(
    ...injection.warnings.map((found) => ({ ...found, message: `${name}: ${found.message}` })),
  );
  const { labels, annotations } = injection.pod.metadata;
  const { metadata, ...rest } = template as Fields;
  const templateMetadata = isFields(metadata) ? metadata : {};
  return { ...rest, metadata: { ...templateMetadata, labels, annotations }, spec: injection.pod.spec };
}

function nameOf({ metadata }: Fields): { readonly name: string; readonly namespace?: string } {
  const { name, namespace } = isFields(metadata) ? metadata : {};
  return {
    name: typeof name === "string" ? name : "without a name",
    ...(typeof namespace === "string" && { namespace }),
  };
}

/** The template as the pod that the workload's controller would make of it. */
function podOf(object: Fields, { metadata, spec }: InjectablePod): InjectablePod {
  const { name, namespace } = nameOf(object);
  const owner = {
    apiVersion: String(object.apiVersion),
    kind: String(object.kind),
    name,
    uid: "",
    controller: true,
  };
  const isPod = object.kind === "Pod";
  return {
    metadata: {
      ...metadata,
      ...(namespace === undefined ? {} : { namespace }),
      ...(isPod ? {} : { ownerReferences: [owner] }),
    },
    spec,
  };
}

function trimDocument(text: string): string {
  return `${text.replace(/^---[^\S\n]*\n/, "").trimEnd()}\n`;
}

/** Of the field, or of the nearest one around it that is in the file. */
function locationOf(
  document: Document,
  path: string,
  { file, lineCounter }: { readonly file: string; readonly lineCounter: LineCounter },
): Location {
  const steps = pathSteps(path);
  for (let length = steps.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(steps.slice(0, length), true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset === undefined) continue;
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col };
  }
  return { file, line: 1, column: 1 };
}

function unreadable(
  file: string,
  error: {
    readonly message: string;
    readonly linePos?: readonly [{ line: number; col: number }, ...unknown[]];
  },
): Problem {
  const place = error.linePos?.[0];
  return problem("MLT1001", {
    message: error.message.split("\n")[0] ?? "",
    location: { file, line: place?.line ?? 1, column: place?.col ?? 1 },
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
