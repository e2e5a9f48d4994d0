// Answers whether a pod that is about to be made gets a sidecar, and by which patch. That its namespace wants one has been
// said by the API server's selectors, which also know tags of revisions; the pod and the mesh have their say here.

import type { Problem } from "../core/problem.ts";
import { formatProblem } from "../core/problem.ts";
import { injectPod } from "../inject/inject-pod.ts";
import type { InjectablePod } from "../inject/injectable-pod.ts";
import type { InjectionSettings } from "../inject/injection-settings.ts";
import { readPod } from "../inject/read-pod.ts";
import { type AdmissionRequest, isRecord, type JsonRecord, type Verdict } from "./admission-review.ts";
import { diffJson, type JsonPatch } from "./json-patch.ts";

/** Undefined where the object isn't a pod. */
export function reviewPod(request: AdmissionRequest, settings: InjectionSettings): Verdict | undefined {
  const { namespace, object, operation } = request;
  if (object === undefined || !isPod(object)) return undefined;
  // A pod's containers are fixed once it is made: a patch would only make its author's change fail.
  if (operation !== "CREATE") return { kind: "allowed" };
  // The API server has checked the types of its pods; whoever else calls may send what no pod holds.
  const read = readPod(object);
  if (read.kind === "unfit") return denied(read.problems);
  const { metadata, spec } = read.pod;
  // The API server names the namespace beside a pod, whose own field may be empty still.
  const pod: InjectablePod = { metadata: { ...metadata, namespace }, spec };
  const injection = injectPod(pod, undefined, settings);
  if (injection.kind === "skipped") return { kind: "allowed" };
  if (injection.kind === "refused") return denied(injection.problems);
  const patch = patchOf(object, namespace, injection.pod);
  return { kind: "allowed", patch, warnings: injection.warnings.map(warningText) };
}

/** From the pod as it was sent, with the namespace that isn't ours to add. */
function patchOf({ metadata, spec }: JsonRecord, namespace: string, injected: InjectablePod): JsonPatch {
  const before = isRecord(metadata) ? { metadata: { ...metadata, namespace }, spec } : { spec };
  return diffJson(before, { metadata: injected.metadata, spec: injected.spec });
}

/** kubectl says "Warning:" itself, and shows little of a line. */
function warningText({ hint, message }: Problem): string {
  return hint === undefined ? message : `${message}: ${hint}`;
}

function denied(problems: readonly Problem[]): Verdict {
  const texts = problems.slice(0, MAX_PROBLEMS).map(formatProblem);
  return { kind: "denied", message: `Cannot inject the sidecar: ${texts.join("; ")}` };
}

/** Nobody reads more. */
const MAX_PROBLEMS = 20;

function isPod({ kind, spec }: JsonRecord): boolean {
  return (kind === undefined || kind === "Pod") && isRecord(spec);
}
