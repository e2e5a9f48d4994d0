// The network filter that forwards bytes to a cluster, or to several by weight.

import type { FilterSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import type { ListenerSettings, TcpDestination } from "../../view/listener-inputs.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { buildAccessLogs } from "./access-log.ts";

/** The first destination's cluster names the statistics. */
export function tcpProxyFilter(
  destinations: readonly TcpDestination[],
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
        accessLog: buildAccessLogs(settings),
      }),
    },
  };
}
