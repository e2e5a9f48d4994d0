// Injects every workload of a manifest (`meltemi inject -f`): documents keep their order, and all that injection doesn't
// change is given back as it was written, comments included.

import { parseAllDocuments } from "yaml";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import type { ObjectMeta } from "../kinds/object-meta.ts";
import type { PodSpec } from "../kinds/pod/pod-spec.ts";
import { editDocument } from "./edit-document.ts";
import { injectPod } from "./inject-pod.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import type { InjectionSettings } from "./injection-settings.ts";

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
  for (const document of parseAllDocuments(text)) {
    if (document.errors.length > 0) {
      problems.push(...document.errors.map((error) => unreadable(file, error)));
      continue;
    }
    const object: unknown = document.toJS();
    const injected = isFields(object) ? injectObject(object, settings, { skipped, problems }) : object;
    if (object !== null)
      documents.push(injected === object ? String(document) : editDocument(document, injected));
  }
  return { text: documents.map(trimDocument).join("---\n"), skipped, problems };
}

interface Findings {
  readonly skipped: string[];
  readonly problems: Problem[];
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
function injectObject(object: Fields, settings: InjectionSettings, findings: Findings): Fields {
  const { kind, items } = object;
  if (typeof kind !== "string") return object;
  if (kind.endsWith("List") && Array.isArray(items)) {
    const injected = items.map((item) => (isFields(item) ? injectObject(item, settings, findings) : item));
    return injected.every((item, index) => item === items[index]) ? object : { ...object, items: injected };
  }
  const path = templatePaths[kind];
  return path === undefined
    ? object
    : replaceAt(object, path, (template) => injectTemplate(object, template, settings, findings));
}

function replaceAt(object: Fields, path: readonly string[], replace: (found: Fields) => Fields): Fields {
  const [first, ...rest] = path;
  if (first === undefined) return replace(object);
  const inner = object[first];
  if (!isFields(inner)) return object;
  const replaced = replaceAt(inner, rest, replace);
  return replaced === inner ? object : { ...object, [first]: replaced };
}

function injectTemplate(
  object: Fields,
  template: Fields,
  settings: InjectionSettings,
  findings: Findings,
): Fields {
  const metadata = (object.metadata ?? {}) as ObjectMeta;
  const name = `${String(object.kind)} ${metadata.name}`;
  if (!isFields(template.spec) || !Array.isArray(template.spec.containers)) {
    findings.problems.push(
      problem("MLT1006", { message: `Cannot inject ${name}: its pod has no spec.containers` }),
    );
    return template;
  }
  const injection = injectPod(podOf(object, template), undefined, settings);
  if (injection.kind === "skipped") findings.skipped.push(`${name}: ${injection.reason}`);
  if (injection.kind === "refused") findings.problems.push(...injection.problems);
  if (injection.kind !== "injected") return template;
  findings.problems.push(
    ...injection.warnings.map((found) => ({ ...found, message: `${name}: ${found.message}` })),
  );
  const { labels, annotations } = injection.pod.metadata;
  const templateMetadata = isFields(template.metadata) ? template.metadata : {};
  return { ...template, metadata: { ...templateMetadata, labels, annotations }, spec: injection.pod.spec };
}

/** The template as the pod that the workload's controller would make of it. */
function podOf(object: Fields, template: Fields): InjectablePod {
  const { name, namespace } = (object.metadata ?? {}) as ObjectMeta;
  const metadata = (template.metadata ?? {}) as InjectablePod["metadata"];
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
    spec: template.spec as PodSpec,
  };
}

function trimDocument(text: string): string {
  return `${text.replace(/^---[^\S\n]*\n/, "").trimEnd()}\n`;
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
