// Keys of a token's issuer that couldn't be fetched: without them none of its tokens is accepted, and old ones are kept
// for some days only.

import type { Problem } from "../../core/problem.ts";
import { keyLocationOf, type RequestAuthentication } from "../../kinds/request-authentication.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkIssuerKeys(
  object: RequestAuthentication,
  { read, model }: CheckContext,
): Iterable<Problem> {
  for (const [index, rule] of (object.spec?.jwtRules ?? []).entries()) {
    const location = keyLocationOf(rule);
    if (location === undefined) continue;
    const found = read.get(model.requestAuthentications.issuerKeys.found, location);
    const path = `spec.jwtRules[${index}].${(rule.jwksUri ?? "") === "" ? "issuer" : "jwksUri"}`;
    const issuer = `"${rule.issuer ?? ""}"`;
    if (found?.failure !== undefined)
      yield problemAt(object, path, { code: "MLT2024", ...failed(issuer, found.failure, found.fetchedAt) });
    else if (found?.jwks === undefined)
      yield problemAt(object, path, {
        code: "MLT2024",
        severity: "info",
        message: `The keys of issuer ${issuer} aren't fetched yet; until then its tokens are refused`,
      });
  }
}

function failed(issuer: string, reason: string, fetchedAt: string | undefined) {
  const message = `Cannot fetch the keys of issuer ${issuer}: ${reason}`;
  return fetchedAt === undefined
    ? { message: `${message}; its tokens are refused until the keys can be fetched` }
    : {
        message: `${message}; those of ${fetchedAt} are used for up to 7 days`,
        severity: "warning" as const,
      };
}
