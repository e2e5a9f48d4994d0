// Address ranges that tell traffic of a port apart: those of ServiceEntries, and those of VirtualServices' rules. Envoy
// decides by range before it looks at anything else, so what isn't meant for a range's service needs a listener of its own.

import { cidrContains, parseCidr } from "../core/cidr.ts";
import { isHttp } from "../core/protocol.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Index } from "../graph/table-index.ts";
import { ownsHost } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import { addressRanges, type MeshService } from "../model/service.ts";
import type { ScopeClient } from "./client-questions.ts";
import { serviceTcpChains, streamRoutes } from "./tcp-chains.ts";

/** Services of other protocols than HTTP that ranges lead to, by port. */
export type RangedServices = Index<MeshService>;

export function declareRangedServices(graph: Graph, model: Model): RangedServices {
  const ranged = graph.derive<MeshService, MeshService>({
    name: "services of address ranges",
    from: model.services,
    rows: (key, service, read) =>
      addressRanges(service).length > 0 || hasRulesForRanges(service, model, read) ? [[key, service]] : [],
  });
  return graph.index(ranged, "services of address ranges by port", ({ ports }) =>
    ports.filter(({ protocol }) => !isHttp(protocol)).map(({ number }) => String(number)),
  );
}

function hasRulesForRanges(service: MeshService, model: Model, read: Read): boolean {
  return streamRoutes(service, { read, model }).some(({ tcp, tls }) =>
    [...tcp, ...tls].some(({ match = [] }) =>
      match.some(({ destinationSubnets = [] }) => destinationSubnets.length > 0),
    ),
  );
}

interface Context {
  readonly read: Read;
  readonly model: Model;
  readonly client: ScopeClient;
  readonly ranged: RangedServices;
}

/** Those of the addresses for which a range on the port would take HTTP too. */
export function addressesWithin(
  addresses: readonly string[],
  port: number,
  context: Context,
): readonly string[] {
  const services = servicesOnPort(port, context);
  if (services.length === 0) return [];
  const ranges = services.flatMap((service) => takenRanges(service, port, context));
  return addresses.filter((address) => {
    const single = parseCidr(address);
    return single !== undefined && ranges.some((range) => cidrContains(range, single));
  });
}

function servicesOnPort(port: number, { read, model, client, ranged }: Context): readonly MeshService[] {
  const lookup = { read, claims: model.hostClaims, client };
  return read
    .find(ranged, String(port))
    .map(([, service]) => service)
    .filter((service) => ownsHost(service, lookup));
}

function takenRanges(service: MeshService, port: number, context: Context) {
  const servicePort = service.ports.find(({ number }) => number === port);
  if (servicePort === undefined || isHttp(servicePort.protocol)) return [];
  const ofRules = serviceTcpChains(service, servicePort, context).flatMap(
    (chain) => chain.destinationSubnets,
  );
  return [...addressRanges(service), ...ofRules].flatMap((range) => parseCidr(range) ?? []);
}
