// Answers whether a pod that is about to be made gets a sidecar, and by which patch. That its namespace wants one has been
// said by the API server's selectors, which also know tags of revisions; the pod and the mesh have their say here.

import type { Problem } from "../core/problem.ts";
import { formatProblem } from "../core/problem.ts";
import { injectPod } from "../inject/inject-pod.ts";
import type { InjectablePod } from "../inject/injectable-pod.ts";
import type { InjectionSettings } from "../inject/injection-settings.ts";
import { checkForm } from "../kinds/check-form.ts";
import { podKind } from "../kinds/pod/pod.ts";
import { type AdmissionRequest, isRecord, type JsonRecord, type Verdict } from "./admission-review.ts";
import { diffJson, type JsonPatch } from "./json-patch.ts";

/** Undefined where the object isn't a pod. */
export function reviewPod(request: AdmissionRequest, settings: InjectionSettings): Verdict | undefined {
  const { object, operation } = request;
  if (object === undefined || !isPod(object)) return undefined;
  // A pod's containers are fixed once it is made: a patch would only make its author's change fail.
  if (operation !== "CREATE") return { kind: "allowed" };
  try {
    return review(object, request, settings);
  } catch (error) {
    // The API server has checked its pods; whoever else calls may send what no pod holds. Pods of a newer Kubernetes
    // have fields that our schema lacks, so it isn't asked first.
    if (hasFormOfPod(object)) throw error;
    return undefined;
  }
}

function review(object: PodObject, { namespace }: AdmissionRequest, settings: InjectionSettings): Verdict {
  const { metadata = {}, spec } = object;
  // The API server names the namespace beside a pod, whose own field may be empty still.
  const pod: InjectablePod = { metadata: { ...metadata, namespace }, spec };
  const injection = injectPod(pod, undefined, settings);
  if (injection.kind === "skipped") return { kind: "allowed" };
  if (injection.kind === "refused") return { kind: "denied", message: refusalText(injection.problems) };
  const patch = patchOf(object, pod, injection.pod);
  return { kind: "allowed", patch, warnings: injection.warnings.map(warningText) };
}

function patchOf(object: PodObject, { metadata, spec }: InjectablePod, injected: InjectablePod): JsonPatch {
  const before = object.metadata === undefined ? { spec } : { metadata, spec };
  return diffJson(before, { metadata: injected.metadata, spec: injected.spec });
}

/** kubectl says "Warning:" itself, and shows little of a line. */
function warningText({ hint, message }: Problem): string {
  return hint === undefined ? message : `${message}: ${hint}`;
}

function refusalText(problems: readonly Problem[]): string {
  return `Cannot inject the sidecar: ${problems.map(formatProblem).join("; ")}`;
}

interface PodObject extends JsonRecord {
  readonly metadata?: InjectablePod["metadata"];
  readonly spec: InjectablePod["spec"];
}

/** Of what injection looks at, that lists are lists and names are names; the API server has checked the rest. */
function isPod(object: JsonRecord): object is PodObject {
  const { metadata, spec } = object;
  if (!isRecord(spec) || !isList(spec.containers, isNamed)) return false;
  if (!isAbsentOr(spec.initContainers, (value) => isList(value, isNamed))) return false;
  if (!isAbsentOr(spec.volumes, (value) => isList(value, isNamed))) return false;
  if (!isAbsentOr(metadata, isRecord)) return false;
  const { labels, annotations, ownerReferences } = metadata ?? {};
  return (
    isAbsentOr(labels, isTexts) &&
    isAbsentOr(annotations, isTexts) &&
    isAbsentOr(ownerReferences, (value) => isList(value, isNamed))
  );
}

function hasFormOfPod({ metadata, spec }: PodObject): boolean {
  const { creationTimestamp: _, ...written } = metadata ?? {};
  const value = { apiVersion: "v1", kind: "Pod", metadata: written, spec };
  return checkForm(podKind.schema, value, { warnsOfNull: true }).findings.length === 0;
}

function isAbsentOr<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value);
}

function isList<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

function isNamed(value: unknown): value is { readonly name: string } {
  return isRecord(value) && typeof value.name === "string";
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}
