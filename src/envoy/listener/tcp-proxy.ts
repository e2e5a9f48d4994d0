// The network filter that forwards bytes to a cluster, or to several by weight.

import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import {
  TcpProxySchema,
  UpstreamConnectMode,
} from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import type { ListenerSettings } from "../../view/listener-inputs.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { buildAccessLogs } from "./access-log.ts";
import type { TcpForward } from "./filter-chain-inputs.ts";

/** The first destination's cluster names the statistics. */
export function tcpProxyFilter(
  { destinations, side }: TcpForward,
  settings: ListenerSettings,
): Plain<typeof FilterSchema> {
  const [first] = destinations;
  if (first === undefined) throw new Error("a TCP chain needs a destination");
  return {
    name: "envoy.filters.network.tcp_proxy",
    configType: {
      case: "typedConfig",
      value: typedConfig(TcpProxySchema, {
        statPrefix: first.cluster,
        clusterSpecifier:
          destinations.length === 1
            ? { case: "cluster", value: first.cluster }
            : {
                case: "weightedClusters",
                value: { clusters: destinations.map(({ cluster, weight }) => ({ name: cluster, weight })) },
              },
        accessLog: buildAccessLogs({ settings, kind: "tcp", side }),
        accessLogOptions: { flushAccessLogOnConnected: true, accessLogFlushInterval: { seconds: 5n } },
        ...(side === "inbound-mutual-tls" ? afterHandshake : {}),
      }),
    },
  };
}

/** Who calls is known then: a server that speaks first must not speak to a stranger. */
const afterHandshake = {
  upstreamConnectMode: UpstreamConnectMode.ON_DOWNSTREAM_TLS_HANDSHAKE,
  maxEarlyDataBytes: 0,
};
