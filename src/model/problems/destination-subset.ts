// A destination's subset that no DestinationRule defines: Envoy answers 503.

import { qualifyHostname } from "../../core/hostname.ts";
import { spellingHint } from "../../core/nearest-spelling.ts";
import { parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import type { HostRule } from "../destination-rules.ts";
import { findByHost } from "../host-table.ts";
import { type CheckContext, problemAt, quoted, shortHost } from "./check.ts";
import { everyServiceOf } from "./known-hosts.ts";
import { destinationsIn } from "./route-destinations.ts";

export function* checkDestinationSubsets(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { namespace } = object.metadata;
  const { read, model, settings } = context;
  for (const { destination, path } of destinationsIn(object)) {
    const { host, subset } = destination;
    // A host that isn't known is a Problem of its own.
    if (subset === undefined || everyServiceOf({ host, namespace }, context).length === 0) continue;
    const hostname = qualifyHostname(host, namespace, settings.clusterDomain);
    const rules = findByHost(read, model.hostRules.hosts, hostname).map(([, rule]) => rule);
    const known = rules.flatMap((rule) => rule.subsets.map(({ name }) => name));
    if (known.includes(subset)) continue;
    yield problemAt(object, `${path}.subset`, {
      code: "MLT2002",
      message: `Cannot route to subset "${subset}" of "${shortHost(hostname, settings)}": ${definitions(rules, namespace)}`,
      hint: spellingHint(subset, known),
    });
  }
}

/** `DestinationRule "reviews" defines "v1", "v2"`. */
function definitions(rules: readonly HostRule[], namespace: string): string {
  if (rules.length === 0) return "no DestinationRule is for that host";
  return rules
    .map(({ object, subsets }) => {
      const { name, namespace: own } = parseObjectKey(object);
      const rule = own === namespace ? name : `${own}/${name}`;
      return `DestinationRule "${rule}" defines ${quoted(subsets.map((each) => each.name))}`;
    })
    .join(", ");
}
