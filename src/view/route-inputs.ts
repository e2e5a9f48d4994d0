// What the builder of one route may see. It is that builder's cache key, so nothing is in it that a route
// doesn't depend on, and the leaves are the user's own objects.

import type { ConsistentHash } from "../kinds/destination-rule/load-balancer.ts";
import type { HttpRouteDestination } from "../kinds/virtual-service/destination.ts";
import type { HttpMirrorPolicy, HttpRetry, HttpRoute } from "../kinds/virtual-service/http-route.ts";
import type { HttpMatchRequest } from "../kinds/virtual-service/matching.ts";
import type { Provenance } from "./provenance.ts";

/** A destination of a route, resolved to a cluster. */
export interface ResolvedDestination {
  readonly cluster: string;
  /** Of the sum of all weights of the route; 1 where there is one destination. */
  readonly weight: number;
  readonly headers?: HttpRouteDestination["headers"];
  /** From the DestinationRule's consistentHash, which Envoy wants on the route. */
  readonly consistentHash?: ConsistentHash;
  /** The mesh's TLS to a port whose protocol is sniffed: the ALPN of a connection follows the request. */
  readonly isSniffed: boolean;
  /** Outside the mesh: the mesh's certificate of the client is none of its business. */
  readonly hidesClient?: boolean;
}

export interface ResolvedMirror {
  readonly cluster: string;
  readonly percentage?: HttpMirrorPolicy["percentage"];
}

export interface RouteInputs {
  /** As the access log's `%ROUTE_NAME%` says it; `default` where no VirtualService names it. */
  readonly name: string;
  /** One match; absent: every request. */
  readonly match?: HttpMatchRequest;
  /** The rule of the VirtualService; absent on the route that a service has by itself. */
  readonly rule?: HttpRoute;
  /** That the request came to, where the rule's redirect keeps it. */
  readonly requestPort?: number;
  readonly destinations: readonly ResolvedDestination[];
  readonly mirrors: readonly ResolvedMirror[];
  /** The operation's name in a trace: `reviews.shop.svc.cluster.local:9080/*`. */
  readonly operation: string;
  /** For a rule without retries of its own; absent: Istio's built-in policy. */
  readonly defaultRetries?: HttpRetry;
  readonly provenance: Provenance;
}

/** A virtual host without its domains, which differ between the namespaces that share it. */
export interface VirtualHostInputs {
  /** `reviews.shop.svc.cluster.local:9080`. */
  readonly name: string;
  readonly routes: readonly RouteInputs[];
  /** A gateway's `httpsRedirect`: every plaintext request is answered 301. */
  readonly requiresTls: boolean;
}
