// Every place of a VirtualService that names a destination, with its path.

import type { Destination } from "../../kinds/virtual-service/destination.ts";
import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";

export interface DestinationPlace {
  readonly destination: Destination;
  readonly path: string;
}

// Clusters that stand for no service: Istio lets rules name them.
const CLUSTERS: readonly string[] = ["PassthroughCluster", "BlackHoleCluster"];

export function* destinationsIn({ spec }: VirtualService): Iterable<DestinationPlace> {
  for (const place of everyDestinationIn(spec)) {
    if (!CLUSTERS.includes(place.destination.host)) yield place;
  }
}

function* everyDestinationIn(spec: VirtualService["spec"]): Iterable<DestinationPlace> {
  for (const [at, rule] of (spec.http ?? []).entries()) {
    const path = `spec.http[${at}]`;
    yield* routeOf(rule.route, path);
    if (rule.mirror !== undefined) yield { destination: rule.mirror, path: `${path}.mirror` };
    for (const [index, { destination }] of (rule.mirrors ?? []).entries())
      yield { destination, path: `${path}.mirrors[${index}].destination` };
  }
  for (const [at, { route }] of (spec.tls ?? []).entries()) yield* routeOf(route, `spec.tls[${at}]`);
  for (const [at, { route }] of (spec.tcp ?? []).entries()) yield* routeOf(route, `spec.tcp[${at}]`);
}

function* routeOf(
  route: readonly { readonly destination: Destination }[] | undefined,
  path: string,
): Iterable<DestinationPlace> {
  for (const [index, { destination }] of (route ?? []).entries())
    yield { destination, path: `${path}.route[${index}].destination` };
}
