// The annotation by which an AuthorizationPolicy only counts what it would decide.

import type { ObjectMeta } from "../object-meta.ts";

export const DRY_RUN = "istio.io/dry-run";

/** As Go reads a boolean, which is how Istio reads the annotation. */
const TRUE: readonly string[] = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE: readonly string[] = ["0", "f", "F", "false", "FALSE", "False"];

export function isDryRun({ annotations = {} }: Pick<ObjectMeta, "annotations">): boolean {
  return isTrueText(annotations[DRY_RUN] ?? "");
}

export function isTrueText(text: string): boolean {
  return TRUE.includes(text);
}

export function isBooleanText(text: string): boolean {
  return TRUE.includes(text) || FALSE.includes(text);
}
