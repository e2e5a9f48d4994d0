// A destination's subset that no DestinationRule defines for the clients of the VirtualService: Envoy answers 503.

import { qualifyHostname } from "../../core/hostname.ts";
import { spellingHint } from "../../core/nearest-spelling.ts";
import { parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { Destination } from "../../kinds/virtual-service/destination.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { clientIn } from "../client.ts";
import { canHaveSubset, type HostRule } from "../destination-rules.ts";
import { serviceCalled } from "../host-owner.ts";
import { findByHost } from "../host-table.ts";
import type { MeshService } from "../service.ts";
import { isVisibleTo } from "../visibility.ts";
import { type CheckContext, problemAt, quoted, shortHost } from "./check.ts";
import { clientNamespaces } from "./route-clients.ts";
import { destinationsIn } from "./route-destinations.ts";

export function* checkDestinationSubsets(object: VirtualService, context: CheckContext): Iterable<Problem> {
  for (const { destination, path } of destinationsIn(object)) {
    const { subset } = destination;
    if (subset === undefined) continue;
    const lack = lackOf({ ...destination, subset }, object, context);
    if (lack !== undefined) yield problemAt(object, `${path}.subset`, { code: "MLT2002", ...lack });
  }
}

/** Undefined where all clients have the subset, and where the host isn't known, which is a Problem of its own. */
function lackOf(
  { host, subset }: Destination & { readonly subset: string },
  object: VirtualService,
  context: CheckContext,
) {
  const { read, model, settings } = context;
  const own = object.metadata.namespace;
  const written = qualifyHostname(host, own, settings.clusterDomain);
  const lacking = clientNamespaces(object, context).flatMap((namespace) => {
    const client = clientIn(namespace);
    const service = serviceCalled(written, { read, claims: model.hostClaims, client });
    if (service === undefined) return [];
    const has = canHaveSubset(read, model.hostRules, client, { ...service, subset });
    return has ? [] : [{ namespace, service }];
  });
  const [first] = lacking;
  if (first === undefined) return undefined;
  const rules = findByHost(read, model.hostRules.hosts, first.service.hostname).map(([, rule]) => rule);
  const known = rules.flatMap((rule) => rule.subsets.map(({ name }) => name));
  const reason = known.includes(subset)
    ? reasonsAgainst(rules, subset, { ...first, own, rootNamespace: settings.rootNamespace })
    : definitions(rules, own);
  return {
    message: `Cannot route to subset "${subset}" of "${shortHost(first.service.hostname, settings)}": ${reason}`,
    hint: spellingHint(subset, known),
  };
}

/** `DestinationRule "reviews" defines "v1", "v2"`. */
function definitions(rules: readonly HostRule[], namespace: string): string {
  if (rules.length === 0) return "no DestinationRule is for that host";
  return rules
    .map((rule) => `${nameOf(rule, namespace)} defines ${quoted(rule.subsets.map(({ name }) => name))}`)
    .join(", ");
}

interface Lack {
  readonly namespace: string;
  readonly service: MeshService;
  /** The VirtualService's. */
  readonly own: string;
  readonly rootNamespace: string;
}

/** Why rules that define the subset don't hold for a client's namespace. */
function reasonsAgainst(rules: readonly HostRule[], subset: string, lack: Lack): string {
  return rules
    .filter((rule) => rule.subsets.some(({ name }) => name === subset))
    .map((rule) => `${nameOf(rule, lack.own)} defines it, but ${reasonAgainst(rule, lack)}`)
    .join(", ");
}

function reasonAgainst(rule: HostRule, { namespace, service, rootNamespace }: Lack): string {
  if (!isVisibleTo(rule.visibility, namespace)) return `isn't exported to namespace "${namespace}"`;
  if (![namespace, service.namespace, rootNamespace].includes(rule.namespace))
    return `holds for clients of its own namespace alone, not of "${namespace}"`;
  return `clients of namespace "${namespace}" follow another rule for the host`;
}

function nameOf({ object }: HostRule, namespace: string): string {
  const { name, namespace: own } = parseObjectKey(object);
  return `DestinationRule "${own === namespace ? name : `${own}/${name}`}"`;
}
