// Answers whether an object of Istio's kinds is right, by the same rules as files: what the command line calls an error
// is refused, and what it calls a warning is a warning. It never refuses what it doesn't know.

import { objectKey } from "../core/object-key.ts";
import { formatProblem, type Problem, problem } from "../core/problem.ts";
import { kindByName } from "../kinds/all-kinds.ts";
import { isError, parseObject } from "../kinds/parse-object.ts";
import { type AdmissionRequest, isRecord, type JsonRecord, type Verdict } from "./admission-review.ts";
import { diffJson } from "./json-patch.ts";

export function reviewObject({ operation, namespace, object, oldObject }: AdmissionRequest): Verdict {
  if (operation !== "CREATE" && operation !== "UPDATE") return { kind: "allowed" };
  if (object === undefined || !isOurs(object)) return { kind: "allowed" };
  const { status: _, ...written } = object;
  const { findings } = parseObject(written);
  const key = keyOf(object, namespace);
  const texts = (wanted: (finding: (typeof findings)[number]) => boolean): string[] =>
    findings.filter(wanted).map(({ code = "MLT1005", ...found }) => {
      const told: Problem = problem(code, { ...found, ...(key === undefined ? {} : { object: key }) });
      return formatProblem(told);
    });
  const errors = texts(isError);
  const warnings = texts((finding) => !isError(finding));
  if (errors.length === 0) return { kind: "allowed", warnings };
  // Whoever takes a finalizer away, or changes a label, needn't mend what was stored before there was a rule.
  if (isUnchanged(object, oldObject)) return { kind: "allowed", warnings: [...errors, ...warnings] };
  return { kind: "denied", message: errors.join("; "), warnings };
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
