// A destination's host that no service has: Envoy answers 503.

import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { everyServiceOf, hostHint, servicesOf } from "./known-hosts.ts";
import { destinationsIn } from "./route-destinations.ts";

export function* checkDestinationHosts(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { namespace } = object.metadata;
  for (const { destination, path } of destinationsIn(object)) {
    const reference = { host: destination.host, namespace };
    if (servicesOf(reference, context).length > 0) continue;
    const isHidden = everyServiceOf(reference, context).length > 0;
    const reason = isHidden
      ? `it isn't exported to namespace "${namespace}"`
      : "no Service or ServiceEntry has that host";
    yield problemAt(object, `${path}.host`, {
      code: "MLT2001",
      message: `Cannot route to "${destination.host}": ${reason}`,
      hint: isHidden ? undefined : hostHint(reference, context),
    });
  }
}
