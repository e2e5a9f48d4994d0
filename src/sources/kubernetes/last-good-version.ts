// Keeps the last good version of an object in force that was edited past the webhook and has errors now. It is known for
// as long as the control plane runs.

import type { ObjectKey } from "../../core/object-key.ts";
import { problem } from "../../core/problem.ts";
import { isRefusedPolicy } from "../../kinds/authorization-policy/refused-policy.ts";
import { problemsOfLeftOut } from "../left-out.ts";
import type { IngestedObject } from "./ingested-object.ts";

/** `found` where it has no errors, or nothing better is known. */
export function withLastGood(
  object: ObjectKey,
  found: IngestedObject,
  before: IngestedObject | undefined,
): IngestedObject {
  const { refusedUid, problems = [] } = found;
  if (refusedUid === undefined) return found;
  const lastGood = before?.object;
  if (lastGood === undefined || isRefusedPolicy(lastGood) || lastGood.metadata.uid !== refusedUid)
    return { ...found, problems: [...problems, ...problemsOfLeftOut(object)] };
  const kept = problem("MLT1012", {
    object,
    message: "the last good version stays in force, until the control plane restarts",
    hint: "fix the object, or delete it",
  });
  return { ...found, object: lastGood, problems: [...problems, kept] };
}
