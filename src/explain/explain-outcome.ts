// What became of a request or connection, in words: Envoy's response flags and details, with the object that decided where
// the proxy's config names it.

import type { ObjectKey } from "../core/object-key.ts";
import { objectKeyText } from "../core/object-key.ts";
import type { TapDecision, TapEvent } from "../core/tap-event.ts";
import { parseRuleName } from "./rule-name.ts";

type Words = string | ((event: TapEvent) => string);

/** By Envoy's short names; those that it gives what was forwarded well aren't failures. */
const wordsByFlag: Readonly<Record<string, Words>> = {
  UH: ({ service, cluster }) => `no healthy endpoint of ${service ?? cluster?.name ?? "it"}`,
  UF: ({ called, failure }) => {
    const reason = failure === undefined ? "" : `: ${failure.replaceAll("_", " ")}`;
    return `no connection to ${called.address ?? "it"}${reason}`;
  },
  UO: (event) => `a limit of ${objectsOf(event.cluster, "DestinationRule") ?? "its connections"} is reached`,
  NR: (event) => (event.kind === "http" ? "no route takes it" : "no filter chain takes it"),
  NC: ({ cluster }) => `there is no cluster ${cluster?.name ?? "of its route"}`,
  URX: ({ kind }) => (kind === "http" ? "every try failed" : "every try to connect failed"),
  UT: (event) => `no answer within the timeout of ${decidedBy(event) ?? "its route"}`,
  UC: "the called ended the connection",
  UR: "the called reset the stream",
  LR: "the proxy reset the stream",
  DC: "the caller ended the connection",
  DR: "the caller reset the stream",
  DPE: "the caller broke the protocol",
  UPE: "the called broke the protocol",
  FI: (event) => `aborted by the fault of ${decidedBy(event) ?? "its route"}`,
  DI: (event) => `delayed by the fault of ${decidedBy(event) ?? "its route"}`,
  RL: "refused by a rate limit",
  RLSE: "refused because the rate limit service failed",
  UAEX: "refused by an external authorization service",
  IH: "a header isn't valid",
  SI: "nothing came for too long",
  DT: "the connection lasted too long",
  UMSDR: "the stream lasted too long",
  DF: "DNS doesn't know the host",
  DO: "dropped because of overload",
  OM: "refused because the proxy is overloaded",
  UDO: "dropped as the endpoints' config wants it",
  NFCF: "the proxy lacks the config of a filter",
  RFCF: "answered from a cache",
};

/** Undefined where all went well, or nothing is known. `limit`: in place of the words for UO. */
export function explainOutcome(
  event: TapEvent,
  { limit }: { readonly limit?: string } = {},
): string | undefined {
  const { details = "", flags } = event;
  const refusal = refusedBy(details);
  // What follows from a refusal says less than the refusal: a refused connection is led to where nobody listens.
  if (refusal !== undefined) return refusal;
  const told = flags.map((flag) => {
    const words = wordsByFlag[flag];
    if (flag === "UO" && limit !== undefined) return `${flag}: ${limit}`;
    if (words === undefined) return flag;
    return `${flag}: ${typeof words === "string" ? words : words(event)}`;
  });
  return told.length === 0 ? undefined : told.join("; ");
}

const RBAC = /rbac_access_denied_matched_policy\[(.*)\]/;
const PROVIDER = /ext_authz_denied\[(.*)\]/;
const JWT = /jwt_authn_access_denied\{(.*?)\}/;

function refusedBy(details: string): string | undefined {
  const [, rule] = RBAC.exec(details) ?? [];
  if (rule === "none") return "denied: no rule of its ALLOW policies matches";
  if (rule !== undefined) return `denied by ${ruleText(rule)}`;
  const [, asking] = PROVIDER.exec(details) ?? [];
  if (asking !== undefined) return `denied by the provider that ${ruleText(asking)} asks`;
  const [, token] = JWT.exec(details) ?? [];
  return token === undefined ? undefined : `token refused: ${token.replaceAll("_", " ")}`;
}

function ruleText(name: string): string {
  const found = parseRuleName(name);
  if (found === undefined) return name;
  const { namespace, name: policy } = found.policy;
  return `rule ${found.rule} of AuthorizationPolicy ${namespace}/${policy}`;
}

/** `VirtualService test/echo spec.http[0]` */
export function decidedBy({ route }: Pick<TapEvent, "route">): string | undefined {
  return objectsOf(route, "VirtualService");
}

/** Of the kind, as people write it, with its field path. */
function objectsOf(decision: TapDecision | undefined, kind: string): string | undefined {
  const found = decision?.from.find((part) => part.startsWith(`${kind}/`));
  if (found === undefined) return undefined;
  const [key = "", path] = found.split(" ");
  return path === undefined ? objectKeyText(key as ObjectKey) : `${objectKeyText(key as ObjectKey)} ${path}`;
}
