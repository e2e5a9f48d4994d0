// Filter chains that several listeners share.

import type {
  FilterChainMatchSchema,
  FilterChainSchema,
} from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { ListenerSettings, TcpChain, TcpDestination } from "../../view/listener-inputs.ts";
import type { Plain } from "../encode.ts";
import { provenanceMetadata } from "../provenance.ts";
import { tcpProxyFilter } from "./tcp-proxy.ts";

export type FilterChainInit = Plain<typeof FilterChainSchema>;
export type FilterChainMatchInit = Plain<typeof FilterChainMatchSchema>;

export function tcpFilterChain(
  name: string,
  destinations: readonly TcpDestination[],
  settings: ListenerSettings,
): FilterChainInit {
  return { name, filters: [tcpProxyFilter(destinations, settings)] };
}

/** The chain with its match; a chain that matches anything is returned without one, fit to be the default. */
export function matchedTcpChain(chain: TcpChain, settings: ListenerSettings): FilterChainInit {
  const filterChainMatch: FilterChainMatchInit = {
    ...(chain.serverNames.length === 0 ? {} : { serverNames: [...chain.serverNames] }),
    ...(chain.destinationSubnets.length === 0
      ? {}
      : { prefixRanges: chain.destinationSubnets.map(cidrRange) }),
  };
  return {
    filters: [tcpProxyFilter(chain.destinations, settings)],
    metadata: provenanceMetadata(chain.source),
    ...(Object.keys(filterChainMatch).length === 0 ? {} : { filterChainMatch }),
  };
}

export function cidrRange(cidr: string) {
  const [addressPrefix = "", length] = cidr.split("/");
  const fullLength = addressPrefix.includes(":") ? 128 : 32;
  return { addressPrefix, prefixLen: length === undefined ? fullLength : Number(length) };
}
