// A DestinationRule for a host that no service has: it changes nothing.

import { isHostnameWithin, isWildcard, qualifyHostname } from "../../core/hostname.ts";
import type { Problem } from "../../core/problem.ts";
import type { DestinationRule } from "../../kinds/destination-rule/destination-rule.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { everyServiceOf, hostHint } from "./known-hosts.ts";

export function* checkRuleHost(object: DestinationRule, context: CheckContext): Iterable<Problem> {
  const reference = { host: object.spec.host, namespace: object.metadata.namespace };
  if (isKnown(reference, context)) return;
  yield problemAt(object, "spec.host", {
    code: "MLT2009",
    message: `"${reference.host}" is no host of a Service or ServiceEntry, so the rule has no effect`,
    hint: hostHint(reference, context),
  });
}

function isKnown({ host, namespace }: { host: string; namespace: string }, context: CheckContext): boolean {
  if (everyServiceOf({ host, namespace }, context).length > 0) return true;
  if (!isWildcard(host)) return false;
  const { read, model, settings } = context;
  const hostname = qualifyHostname(host, namespace, settings.clusterDomain);
  return read.all(model.services).some(([, service]) => isHostnameWithin(service.hostname, hostname));
}
