// What a condition of an AuthorizationPolicy may be on. An unknown key is refused, as in Istio: a rule without the
// condition would match what nobody meant.

import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Findings } from "../value-rules.ts";

const plainKeys = [
  ...["source.ip", "remote.ip", "source.namespace", "source.principal"],
  ...["source.serviceAccount", "source.trustDomain"],
  ...["request.auth.principal", "request.auth.audiences", "request.auth.presenter"],
  ...["destination.ip", "destination.port", "connection.sni"],
];
/** A name follows in brackets, such as `request.headers[x-token]`. */
const keysWithName = ["request.headers", "request.auth.claims"];
const EXPERIMENTAL = "experimental.envoy.filters.";

export function* checkConditionKey(path: string, key: string): Findings {
  if (plainKeys.includes(key)) return;
  const bracket = key.indexOf("[");
  const word = bracket === -1 ? key : key.slice(0, bracket);
  if (keysWithName.includes(word) || word.startsWith(EXPERIMENTAL)) {
    if (!/^\[.+\]$/s.test(key.slice(word.length)))
      yield { path, message: `found "${key}", wanted a name in brackets, such as "${word}[name]"` };
    return;
  }
  const known = [...plainKeys, ...keysWithName];
  const hint = spellingHint(word, known);
  yield {
    path,
    message: `unknown key "${key}", wanted one of ${known.map((each) => `"${each}"`).join(", ")}`,
    ...(hint === undefined ? {} : { hint }),
  };
}
