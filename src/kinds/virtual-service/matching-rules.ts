// Rules for how requests are matched.

import { childPath } from "../../core/field-path.ts";
import { routingClaim } from "../../core/routing-claim.ts";
import type { Findings } from "../value-rules.ts";
import { checkHeaderName, checkPort, regexFault } from "../value-rules.ts";
import { checkGateways } from "./gateway-name-rules.ts";
import type { HttpMatchRequest, StringMatch } from "./matching.ts";

export function* checkHttpMatch(path: string, match: HttpMatchRequest): Findings {
  for (const name of ["scheme", "method", "authority"] as const) {
    const value = match[name];
    if (value !== undefined) yield* checkStringMatch(`${path}.${name}`, value);
  }
  // Every path begins with nothing, so an empty prefix of a uri is allowed, as Istio allows it.
  if (match.uri !== undefined && match.uri.prefix !== "") yield* checkStringMatch(`${path}.uri`, match.uri);
  for (const name of ["headers", "withoutHeaders"] as const) {
    for (const [header, value] of Object.entries(match[name] ?? {})) {
      if (routingClaim(header) === undefined) yield* checkHeaderName(`${path}.${name}`, header);
      yield* checkStringMatch(childPath(`${path}.${name}`, header), value);
    }
  }
  for (const [name, value] of Object.entries(match.queryParams ?? {})) {
    yield* checkStringMatch(childPath(`${path}.queryParams`, name), value);
  }
  if (match.port !== undefined && match.port !== 0) yield* checkPort(`${path}.port`, match.port);
  yield* checkGateways(`${path}.gateways`, match.gateways);
}

/** A sidecar looks at no tokens when it chooses a route. */
export function* checkClaims(path: string, match: HttpMatchRequest): Findings {
  for (const name of ["headers", "withoutHeaders"] as const) {
    for (const header of Object.keys(match[name] ?? {})) {
      if (routingClaim(header) !== undefined)
        yield {
          path: childPath(`${path}.${name}`, header),
          message: "routes depend on a token's claims at gateways only, and this VirtualService names none",
        };
    }
  }
}

export function* checkStringMatch(path: string, { prefix, regex }: StringMatch): Findings {
  if (prefix === "") yield { path: `${path}.prefix`, message: "a prefix must not be empty" };
  if (regex === "") yield { path: `${path}.regex`, message: "a regular expression must not be empty" };
  const fault = regex === undefined ? undefined : regexFault(regex);
  if (fault !== undefined)
    yield { path: `${path}.regex`, message: `it isn't a regular expression: ${fault}` };
}
