// A DestinationRule for a host that no service has, or none of those for which the rule can hold: it changes nothing.

import { isHostnameWithin, isWildcard } from "../../core/hostname.ts";
import type { Problem } from "../../core/problem.ts";
import type { DestinationRule } from "../../kinds/destination-rule/destination-rule.ts";
import { clientIn } from "../client.ts";
import type { HostRule } from "../destination-rules.ts";
import { ownsHost } from "../host-owner.ts";
import { findNamed } from "../host-table.ts";
import type { MeshService } from "../service.ts";
import { rowKey } from "../sources.ts";
import { haveCommonViewer, isVisibleTo } from "../visibility.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { everyServiceOf, hostHint } from "./known-hosts.ts";

export function* checkRuleHost(object: DestinationRule, context: CheckContext): Iterable<Problem> {
  const { namespace, name } = object.metadata;
  const reference = { host: object.spec.host, namespace };
  const rule = context.read.get(context.model.hostRules.table, rowKey(namespace, name));
  if (rule === undefined) return;
  const services = servicesWithin(rule.hostname, context);
  if (services.some((service) => canHold(rule, service, context))) return;
  const [wider] = everyServiceOf(reference, context);
  const isHidden = services.length > 0;
  const reason = isHidden
    ? `"${reference.host}" is reached by no client that the rule is for`
    : `"${reference.host}" is no host of a Service or ServiceEntry`;
  yield problemAt(object, "spec.host", {
    code: "MLT2009",
    message: `${reason}, so the rule has no effect`,
    hint: isHidden ? reachHint(namespace) : (widerHint(wider, rule) ?? hostHint(reference, context)),
  });
}

function servicesWithin(hostname: string, { read, model }: CheckContext): readonly MeshService[] {
  const found = isWildcard(hostname)
    ? read.all(model.services).filter(([, service]) => isHostnameWithin(service.hostname, hostname))
    : findNamed(read, model.hostClaims, hostname);
  return found.map(([, service]) => service);
}

/** Clients follow rules of their own namespace, of the service's and of the root namespace. */
function canHold(rule: HostRule, service: MeshService, { read, model, settings }: CheckContext): boolean {
  if (rule.namespace === service.namespace || rule.namespace === settings.rootNamespace)
    return haveCommonViewer(rule.visibility, service.visibility);
  const lookup = { read, claims: model.hostClaims, client: clientIn(rule.namespace) };
  return isVisibleTo(rule.visibility, rule.namespace) && ownsHost(service, lookup);
}

function reachHint(namespace: string): string {
  return `look at exportTo of the rule and of the host: a rule of namespace "${namespace}" is for clients there, or for services there`;
}

function widerHint(wider: MeshService | undefined, { hostname }: HostRule): string | undefined {
  if (wider === undefined || !isHostnameWithin(hostname, wider.hostname) || !isWildcard(wider.hostname))
    return undefined;
  return `it is a part of "${wider.hostname}", which a rule holds for as a whole: write that, or give "${hostname}" a ServiceEntry`;
}
