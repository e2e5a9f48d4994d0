// A filter chain of any listener: what it matches, the TLS that it terminates, and the filters that a connection meets.

import type { ListenerSettings, TcpChain } from "../../view/listener-inputs.ts";
import type { Provenance } from "../../view/provenance.ts";
import { provenanceMetadata } from "../provenance.ts";
import type {
  FilterChainInit,
  FilterChainInputs,
  FilterChainMatchInit,
  ProxySide,
  TcpForward,
} from "./filter-chain-inputs.ts";
import { buildNetworkFilters } from "./network-filters.ts";

export function buildFilterChain(inputs: FilterChainInputs): FilterChainInit {
  const { name, match, transportSocket, provenance, generation } = inputs;
  return {
    ...(name === undefined ? {} : { name }),
    ...(match === undefined ? {} : { filterChainMatch: match }),
    filters: buildNetworkFilters(inputs),
    ...(transportSocket === undefined ? {} : { transportSocket }),
    ...(provenance === undefined && generation === undefined
      ? {}
      : { metadata: chainMetadata(provenance ?? [], generation) }),
  };
}

/** A generation means nothing to Envoy, and still makes the chain another one, whose predecessor is drained. */
function chainMetadata(provenance: Provenance, generation: string | undefined) {
  const metadata = provenanceMetadata(provenance);
  if (generation === undefined) return metadata;
  const { filterMetadata = {} } = metadata;
  return { filterMetadata: { ...filterMetadata, meltemi: { ...filterMetadata.meltemi, generation } } };
}

export function forwardTo(cluster: string, side: ProxySide): TcpForward {
  return { kind: "tcp", side, destinations: [{ cluster, weight: 1 }] };
}

/** A chain of outbound traffic that matches anything is returned without a match, fit to be the default. */
export function buildTcpChain(chain: TcpChain, settings: ListenerSettings): FilterChainInit {
  const { serverNames, destinationSubnets, destinations, provenance } = chain;
  const match: FilterChainMatchInit = {
    ...(serverNames.length === 0 ? {} : { serverNames: [...serverNames] }),
    ...(destinationSubnets.length === 0 ? {} : { prefixRanges: destinationSubnets.map(cidrRange) }),
  };
  return buildFilterChain({
    ...(Object.keys(match).length === 0 ? {} : { match }),
    forward: { kind: "tcp", side: "outbound", destinations },
    provenance,
    settings,
  });
}

export function cidrRange(cidr: string) {
  const [addressPrefix = "", length] = cidr.split("/");
  const fullLength = addressPrefix.includes(":") ? 128 : 32;
  return { addressPrefix, prefixLen: length === undefined ? fullLength : Number(length) };
}
