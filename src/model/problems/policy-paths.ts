// Paths of AuthorizationPolicies against the mesh's pathNormalization: those that no request has once it is normalized,
// and those that a request gets around by another spelling.

import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkPolicyPaths(
  object: AuthorizationPolicy,
  { settings: { pathNormalization } }: CheckContext,
): Iterable<Problem> {
  const { action = "ALLOW", rules = [] } = object.spec ?? {};
  if (action === "AUDIT") return;
  for (const { field, path, value } of pathsIn(rules)) {
    // Whoever isn't named by these gets in.
    const isBarrier = (field === "paths") !== (action === "ALLOW");
    const message = isUnreachable(value, pathNormalization)
      ? `No path is "${value}" once it is normalized (pathNormalization ${pathNormalization}), so this matches none`
      : isBarrier
        ? detour(value, pathNormalization)
        : undefined;
    if (message === undefined) continue;
    yield problemAt(object, path, {
      code: "MLT2039",
      message,
      hint: "name the path as it is written plainly, and set pathNormalization to what the application does itself",
    });
  }
}

type Normalization = CheckContext["settings"]["pathNormalization"];
type Rules = NonNullable<AuthorizationPolicy["spec"]>["rules"];

function* pathsIn(rules: Rules = []) {
  for (const [rule, { to = [] }] of rules.entries()) {
    for (const [index, { operation = {} }] of to.entries()) {
      for (const field of ["paths", "notPaths"] as const) {
        for (const [at, value] of (operation[field] ?? []).entries())
          yield { field, value, path: `spec.rules[${rule}].to[${index}].operation.${field}[${at}]` };
      }
    }
  }
}

const DOT_SEGMENT = /\/\.\.?(\/|$)|\\/;
const ESCAPED_SLASH = /%2f|%5c/i;

function isUnreachable(path: string, normalization: Normalization): boolean {
  if (normalization === "NONE") return false;
  if (DOT_SEGMENT.test(path)) return true;
  if (normalization === "BASE") return false;
  return path.includes("//") || (normalization === "DECODE_AND_MERGE_SLASHES" && ESCAPED_SLASH.test(path));
}

function detour(path: string, normalization: Normalization): string | undefined {
  if (DOT_SEGMENT.test(path) || path.includes("//") || ESCAPED_SLASH.test(path))
    return `"${path}" is one spelling of a path, and other spellings of it get around the rule (pathNormalization ${normalization})`;
  if (normalization !== "NONE" || !path.startsWith("/") || path === "/*") return undefined;
  return `With pathNormalization NONE a request for "/.${path}" gets around the rule for "${path}"`;
}
