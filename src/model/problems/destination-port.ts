// A destination's port that the service doesn't have, or one that is left out where the service has several.

import type { Problem } from "../../core/problem.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { type CheckContext, portList, problemAt, shortHost } from "./check.ts";
import { servicesOf } from "./known-hosts.ts";
import { clientNamespaces } from "./route-clients.ts";
import { destinationsIn } from "./route-destinations.ts";

export function* checkDestinationPorts(object: VirtualService, context: CheckContext): Iterable<Problem> {
  const { namespace } = object.metadata;
  const clients = clientNamespaces(object, context);
  for (const { destination, path } of destinationsIn(object)) {
    const { host, port } = destination;
    const services = servicesOf({ host, namespace }, clients, context);
    const [service] = services;
    if (service === undefined) continue;
    const name = shortHost(service.hostname, context.settings);
    const hasPort = services.some(({ ports }) => ports.some(({ number }) => number === port?.number));
    if (port?.number !== undefined && !hasPort) {
      yield problemAt(object, `${path}.port.number`, {
        code: "MLT2003",
        message: `Cannot route to port ${port.number} of "${name}": it has ${portList(service)}`,
      });
    }
    if (port?.number === undefined && services.every(({ ports }) => ports.length > 1)) {
      yield problemAt(object, `${path}.port`, {
        code: "MLT2004",
        message: `"${name}" has several ports and none is named: the request's own is used, and must be among ${portList(service)}`,
      });
    }
  }
}
