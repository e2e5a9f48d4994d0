// A listener of any side: where it listens, the filters that look at a connection first, and its chains.

import type { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { bothAddresses } from "../address.ts";
import { durationMessage } from "../duration-message.ts";
import type { Plain } from "../encode.ts";
import type { AccessLogInit, FilterChainInit } from "./filter-chain-inputs.ts";
import { buildListenerFilters, type Inspection } from "./listener-filters.ts";

export type ListenerInit = Plain<typeof ListenerSchema>;

export interface ListenerInputs {
  readonly name: string;
  /** The second one is of the other IP family. */
  readonly addresses: readonly [string, (string | undefined)?];
  readonly port: number;
  readonly direction: TrafficDirection;
  readonly inspection: Inspection;
  /** How long its filters wait for a client's first bytes before it goes on without them; absent: as Envoy does. */
  readonly inspectionTimeout?: string;
  readonly chains: readonly FilterChainInit[];
  /** For what no other chain matches. */
  readonly defaultChain?: FilterChainInit | undefined;
  /** Of the connections that it refuses; absent: none. */
  readonly refusedConnectionLogs?: readonly AccessLogInit[];
}

export function buildListener(inputs: ListenerInputs): ListenerInit {
  const { name, addresses, port, direction, inspection, inspectionTimeout, chains, defaultChain } = inputs;
  const { refusedConnectionLogs = [] } = inputs;
  const listenerFilters = buildListenerFilters(inspection);
  return {
    name,
    ...bothAddresses(addresses, port),
    trafficDirection: direction,
    filterChains: [...chains],
    ...(defaultChain === undefined ? {} : { defaultFilterChain: defaultChain }),
    ...(listenerFilters.length === 0 ? {} : { listenerFilters }),
    ...(refusedConnectionLogs.length === 0 ? {} : { accessLog: [...refusedConnectionLogs] }),
    ...(listenerFilters.length === 0 || inspectionTimeout === undefined
      ? {}
      : {
          listenerFiltersTimeout: durationMessage(inspectionTimeout),
          continueOnListenerFiltersTimeout: true,
        }),
  };
}
