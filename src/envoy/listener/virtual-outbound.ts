// The listener that takes all that a workload sends, and hands it to the listener of where it was going;
// what no listener knows passes through or is dropped, as the mesh's outbound policy says.

import { BLACK_HOLE_CLUSTER } from "../../core/cluster-name.ts";
import { wildcardsOf } from "../../core/ip-families.ts";
import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { VirtualOutboundInputs } from "../../view/listener-inputs.ts";
import { buildFilterChain, forwardTo } from "./filter-chain.ts";
import { buildListener, type ListenerInit } from "./listener.ts";

export const virtualOutboundFields: readonly ClaimedField[] = claims(meshConfigKind, [
  "spec.outboundTrafficPolicy.mode",
  "spec.proxyListenPort",
]);

export function buildVirtualOutbound({
  name,
  port,
  otherwise,
  families,
  settings,
}: Omit<VirtualOutboundInputs, "provenance">): ListenerInit {
  const listener = buildListener({
    name,
    addresses: wildcardsOf(families),
    port,
    direction: TrafficDirection.OUTBOUND,
    inspection: {},
    chains: [
      // A connection to this very port, by somebody who found it, would loop.
      buildFilterChain({
        name: "virtualOutbound-blackhole",
        match: { destinationPort: port },
        forward: forwardTo(BLACK_HOLE_CLUSTER, "outbound"),
        settings,
      }),
      buildFilterChain({
        name: "virtualOutbound-catchall-tcp",
        forward: forwardTo(otherwise, "outbound"),
        settings,
      }),
    ],
  });
  return { ...listener, useOriginalDst: true };
}
