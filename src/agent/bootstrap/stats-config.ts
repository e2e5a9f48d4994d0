// Which statistics Envoy keeps and how their names become labels. Few by default, as with Istio: each of a thousand
// clusters has a hundred, and they cost memory in every pod.

import type { JsonObject } from "@bufbuild/protobuf";

/** ProxyConfig.proxyStatsMatcher: adds to what is kept by default. */
export interface StatsSelection {
  readonly inclusionPrefixes?: readonly string[];
  readonly inclusionSuffixes?: readonly string[];
  readonly inclusionRegexps?: readonly string[];
}

/** Bounds of buckets by prefix of a histogram's name, in the unit of its values; others have Envoy's. */
export type HistogramBuckets = Readonly<Record<string, readonly number[]>>;

export function buildStatsConfig(
  selection: StatsSelection,
  histogramBuckets: HistogramBuckets = {},
): JsonObject {
  const { inclusionPrefixes = [], inclusionSuffixes = [], inclusionRegexps = [] } = selection;
  const patterns = [
    ...[...keptPrefixes, ...inclusionPrefixes].map((prefix) => ({ prefix })),
    ...[...keptSuffixes, ...inclusionSuffixes].map((suffix) => ({ suffix })),
    ...inclusionRegexps.map((regex) => ({ safeRegex: { regex } })),
  ];
  return {
    useAllDefaultTags: false,
    statsTags: Object.entries(statTagPatterns).map(([tagName, regex]) => ({ tagName, regex })),
    statsMatcher: { inclusionList: { patterns } },
    ...(Object.keys(histogramBuckets).length > 0 && {
      histogramBucketSettings: Object.entries(histogramBuckets).map(([prefix, buckets]) => ({
        match: { prefix },
        buckets: [...buckets],
      })),
    }),
  };
}

const keptPrefixes = ["istio_", "cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm"];

// The agent counts open connections while it drains; policies are judged by their counters.
const keptSuffixes = [
  "downstream_cx_active",
  "rbac.allowed",
  "rbac.denied",
  "shadow_allowed",
  "shadow_denied",
];

const IPV4 = "[0-9]{1,3}(?:\\.[0-9]{1,3}){3}";

/**
 * How labels are cut out of names: the first group is taken away, the second becomes the label. Names hold hosts and
 * addresses, with dots of their own, so a label's end is found by what may follow it.
 */
export const statTagPatterns: Readonly<Record<string, string>> = {
  cluster_name:
    "^cluster\\.((.+?)\\.)(?:upstream_|membership_|lb_|circuit_breakers\\.|outlier_detection\\.|ssl\\.|http[123]\\.|update_|external\\.|internal\\.|canary\\.|zone\\.|original_dst_|retry_or_shadow|bind_errors|assignment_|max_host_weight|version|warming_state|init_fetch_timeout|default\\.|tls_inspector|client_ssl)",
  response_code: "_rq(_(\\d{3}))$",
  response_code_class: "_rq(_(\\dxx))$",
  http_conn_manager_prefix: `^http\\.(((?:inbound|outbound)_${IPV4}_?[0-9]{0,5}|[^.]+)\\.)`,
  listener_address: `^listener\\.((${IPV4}_[0-9]{1,5}|\\[[0-9a-fA-F_:]+\\]_[0-9]{1,5}|[^.]+)\\.)`,
  tcp_prefix: "^tcp\\.((.+?)\\.)(?:downstream_|upstream_|idle_|max_|early_|no_|on_demand_)",
};
