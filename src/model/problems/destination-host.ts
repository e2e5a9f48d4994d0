// A destination's host that no service has: Envoy answers 503.

import { isWildcard, qualifyHostname } from "../../core/hostname.ts";
import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import type { MeshService } from "../service.ts";
import { type CheckContext, problemAt, quoted } from "./check.ts";
import { everyServiceOf, type HostReference, hostHint, servicesOf } from "./known-hosts.ts";
import { clientNamespaces } from "./route-clients.ts";
import { destinationsIn } from "./route-destinations.ts";

export function* checkDestinationHosts(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { namespace } = object.metadata;
  const clients = clientNamespaces(object, context);
  // Nobody follows what is exported to nobody.
  if (clients.length === 0) return;
  for (const { destination, path } of destinationsIn(object)) {
    const reference = { host: destination.host, namespace };
    const found = servicesOf(reference, clients, context);
    if (found.length > 0) {
      yield* checkWildcards(object, { reference, path, found }, context);
      continue;
    }
    const isHidden = everyServiceOf(reference, context).length > 0;
    const reason = isHidden
      ? `it isn't exported to namespace ${quoted(clients)}`
      : "no Service or ServiceEntry has that host";
    yield problemAt(object, `${path}.host`, {
      code: "MLT2001",
      message: `Cannot route to "${destination.host}": ${reason}`,
      hint: isHidden ? undefined : hostHint(reference, context),
    });
  }
}

interface FoundServices {
  readonly reference: HostReference;
  readonly path: string;
  readonly found: readonly MeshService[];
}

/** A wildcard is a service as a whole, with clusters of that name: Envoy has none for a name within. */
function* checkWildcards(
  object: VirtualService,
  { reference, path, found }: FoundServices,
  { settings }: CheckContext,
): Iterable<Problem> {
  const { host, namespace } = reference;
  const hostname = qualifyHostname(host, namespace, settings.clusterDomain);
  const [wider] = found;
  const isPart = found.every((service) => isWildcard(service.hostname) && service.hostname !== hostname);
  if (wider === undefined || !isPart) return;
  yield problemAt(object, `${path}.host`, {
    code: "MLT2022",
    message: `Cannot route to "${host}": it is only a part of "${wider.hostname}", and has no endpoints of its own`,
    hint: `write "${wider.hostname}", or give "${host}" a ServiceEntry`,
  });
}
