// What it means that an object with errors is left out, where that isn't plain from the errors.

import type { Location } from "../core/location.ts";
import { type ObjectKey, parseObjectKey } from "../core/object-key.ts";
import { type Problem, problem } from "../core/problem.ts";
import { requestAuthenticationKind } from "../kinds/request-authentication.ts";

/** For an object of which no earlier version is known. */
export function problemsOfLeftOut(object: ObjectKey, location?: Location): readonly Problem[] {
  if (parseObjectKey(object).kind !== requestAuthenticationKind.kind) return [];
  const found = problem("MLT2035", {
    object,
    ...(location && { location }),
    message:
      "No tokens are checked by it: requests pass whatever token they carry, and no rule that asks for a token's principal or claims matches",
    hint: "fix the reported errors; until then an AuthorizationPolicy with the action DENY closes its workloads",
  });
  return [found];
}
