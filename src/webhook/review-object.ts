// Answers whether an object of Istio's kinds is right, by the same rules as files: what the command line calls an error
// is refused, and what it calls a warning is a warning. It never refuses what it doesn't know. What is wrong only beside
// other objects is a warning always: they may be yet to come.

import { objectKey } from "../core/object-key.ts";
import { formatProblem, type Problem, problem } from "../core/problem.ts";
import { kindByName } from "../kinds/all-kinds.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { isError, parseObject } from "../kinds/parse-object.ts";
import { type AdmissionRequest, isRecord, type JsonRecord, type Verdict } from "./admission-review.ts";
import { diffJson } from "./json-patch.ts";

/** What would be wrong with an object beside the others of the mesh, where that is known. */
export type ProblemsBesideOthers = (object: KubernetesObject) => Promise<readonly Problem[]>;

export async function reviewObject(
  request: AdmissionRequest,
  besideOthers?: ProblemsBesideOthers,
): Promise<Verdict> {
  const verdict = reviewByItself(request);
  if (verdict.parsed === undefined || besideOthers === undefined) return verdict;
  const found = await besideOthers(verdict.parsed);
  return { kind: "allowed", warnings: [...(verdict.warnings ?? []), ...found.map(formatProblem)] };
}

function reviewByItself({ operation, namespace, object, oldObject }: AdmissionRequest): Verdict & {
  readonly parsed?: KubernetesObject;
} {
  if (operation !== "CREATE" && operation !== "UPDATE") return { kind: "allowed" };
  if (object === undefined || !isOurs(object)) return { kind: "allowed" };
  const { status: _, ...unplaced } = object;
  const written = namespace === "" ? unplaced : inNamespace(unplaced, namespace);
  const { findings, object: parsed } = parseObject(written);
  const key = keyOf(object, namespace);
  const texts = (wanted: (finding: (typeof findings)[number]) => boolean): string[] =>
    findings.filter(wanted).map(({ code = "MLT1005", ...found }) => {
      const told: Problem = problem(code, { ...found, ...(key === undefined ? {} : { object: key }) });
      return formatProblem(told);
    });
  const errors = texts(isError);
  const warnings = texts((finding) => !isError(finding));
  if (errors.length === 0) return { kind: "allowed", warnings, ...(parsed && { parsed }) };
  // Whoever takes a finalizer away, or changes a label, needn't mend what was stored before there was a rule.
  if (isUnchanged(object, oldObject)) return { kind: "allowed", warnings: [...errors, ...warnings] };
  return { kind: "denied", message: errors.join("; "), warnings };
}

/** What is counted of a review: a kind of ours in our words, since strangers may send any. */
export function reviewedKind({ object }: AdmissionRequest) {
  if (object === undefined || !isOurs(object)) return undefined;
  const known = kindByName.get(String(object.kind));
  if (known === undefined) return undefined;
  const { group, plural, apiVersion } = known;
  return { group, version: apiVersion.slice(group.length + 1), resource: plural };
}

/** The request's: the object may say none. */
function inNamespace(object: JsonRecord, namespace: string): JsonRecord {
  return isRecord(object.metadata) ? { ...object, metadata: { ...object.metadata, namespace } } : object;
}

function isOurs({ apiVersion, kind }: JsonRecord): boolean {
  const known = typeof kind === "string" ? kindByName.get(kind) : undefined;
  if (known === undefined || typeof apiVersion !== "string") return false;
  return known.group.endsWith(".istio.io") && apiVersion.startsWith(`${known.group}/`);
}

function keyOf({ kind, metadata }: JsonRecord, namespace: string) {
  const { name, generateName } = isRecord(metadata) ? metadata : {};
  const written = name ?? generateName;
  if (typeof kind !== "string" || typeof written !== "string") return undefined;
  return objectKey({ kind, namespace, name: written });
}

function isUnchanged(object: JsonRecord, oldObject: JsonRecord | undefined): boolean {
  if (oldObject === undefined) return false;
  const isBeingDeleted = isRecord(object.metadata) && object.metadata.deletionTimestamp !== undefined;
  return isBeingDeleted || diffJson(oldObject.spec, object.spec).length === 0;
}
