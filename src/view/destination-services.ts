// The services that a VirtualService's rules send to, and whether clients reach different ones by the same rule.

import { qualifyHostname } from "../core/hostname.ts";
import type { Read } from "../graph/read.ts";
import type { Destination } from "../kinds/virtual-service/destination.ts";
import type { HttpRoute } from "../kinds/virtual-service/http-route.ts";
import { isClientDependent } from "../model/destination-rules.ts";
import { everyServiceCalled, isHostContested } from "../model/host-owner.ts";
import type { HostRoutes } from "../model/host-routes.ts";
import type { Model } from "../model/model.ts";
import type { MeshService } from "../model/service.ts";

/** A destination's port and protocol are its service's, and a route's hash policy comes from the service's rule. */
export function destinationsDependOnClient(read: Read, model: Model, routes: HostRoutes): boolean {
  const { clusterDomain } = read.one(model.settings);
  const lookup = { read, claims: model.hostClaims };
  return destinationsOf(routes).some(({ host, namespace }) =>
    everyServiceCalled(qualifyHostname(host, namespace, clusterDomain), lookup).some(
      (service) => isReachedBySome(read, model, service) || isClientDependent(read, model.hostRules, service),
    ),
  );
}

/** And not by others: some don't see it, or reach another service by its host. */
export function isReachedBySome(read: Read, model: Model, service: MeshService): boolean {
  return service.visibility !== "public" || isHostContested(service, { read, claims: model.hostClaims });
}

interface WrittenHost {
  readonly host: string;
  /** That a short name is relative to. */
  readonly namespace: string;
}

function destinationsOf({ http, tcp, tls, namespace }: HostRoutes): readonly WrittenHost[] {
  const ofHttp = http.flatMap(({ rule, namespace: own }) =>
    httpDestinations(rule).map(({ host }) => ({ host, namespace: own })),
  );
  const ofStreams = [...tcp, ...tls].flatMap(({ route = [] }) =>
    route.map(({ destination: { host } }) => ({ host, namespace })),
  );
  return [...ofHttp, ...ofStreams];
}

function httpDestinations({ route = [], mirror, mirrors = [] }: HttpRoute): readonly Destination[] {
  const several = [...route, ...mirrors].map(({ destination }) => destination);
  return mirror === undefined ? several : [...several, mirror];
}
