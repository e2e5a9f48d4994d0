// The part of a VirtualService's match that is about who asks and where, not about what: it is settled before config
// is built, so two clients for whom it settles alike share the result.

import type { Client } from "../model/client.ts";
import { MESH_GATEWAY, qualifyGateway } from "../model/gateway-name.ts";

/** What HTTP, TLS and TCP matches have in common. */
export interface ScopedMatch {
  readonly port?: number;
  readonly gateways?: readonly string[];
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
}

export interface MatchScope {
  readonly client: Client;
  readonly port: number;
  /** `mesh`, or `namespace/name` of Gateways. */
  readonly gateways: readonly string[];
}

/** `namespace` is the one that the match was written in. */
export function isInScope(
  match: ScopedMatch,
  namespace: string,
  { client, port, gateways }: MatchScope,
): boolean {
  if (match.port !== undefined && match.port !== port) return false;
  if (match.sourceNamespace !== undefined && !client.isIn(match.sourceNamespace)) return false;
  if (match.gateways !== undefined && match.gateways.length > 0) {
    if (!match.gateways.some((gateway) => gateways.includes(qualifyGateway(gateway, namespace))))
      return false;
  }
  // Labels of a client are a sidecar's matter: a gateway's callers have none.
  if (!gateways.includes(MESH_GATEWAY)) return true;
  return client.matches(match.sourceLabels ?? {});
}
