// Which statistics Envoy keeps and how their names become labels. Few by default, as with Istio: each of a thousand
// clusters has a hundred, and they cost memory in every pod.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StatsConfigSchema } from "../../gen/envoy/config/metrics/v3/stats_pb.ts";

/** ProxyConfig.proxyStatsMatcher: adds to what is kept by default. */
export interface StatsSelection {
  readonly inclusionPrefixes?: readonly string[];
  readonly inclusionSuffixes?: readonly string[];
  readonly inclusionRegexps?: readonly string[];
}

export function buildStatsConfig(selection: StatsSelection): MessageInitShape<typeof StatsConfigSchema> {
  const { inclusionPrefixes = [], inclusionSuffixes = [], inclusionRegexps = [] } = selection;
  const patterns = [
    ...[...keptPrefixes, ...inclusionPrefixes].map((value) => ({ case: "prefix", value }) as const),
    ...[...keptSuffixes, ...inclusionSuffixes].map((value) => ({ case: "suffix", value }) as const),
    ...inclusionRegexps.map((regex) => ({ case: "safeRegex", value: { regex } }) as const),
  ].map((matchPattern) => ({ matchPattern }));
  return {
    useAllDefaultTags: false,
    statsTags: Object.entries(tagPatterns).map(([tagName, value]) => ({
      tagName,
      tagValue: { case: "regex", value },
    })),
    statsMatcher: { statsMatcher: { case: "inclusionList", value: { patterns } } },
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

// Names hold hosts and addresses, with dots of their own, so a label's end is found by what may follow it.
// In each pattern the first group is cut out of the name and the second becomes the label.
const tagPatterns: Readonly<Record<string, string>> = {
  cluster_name:
    "^cluster\\.((.+?)\\.)(?:upstream_|membership_|lb_|circuit_breakers\\.|outlier_detection\\.|ssl\\.|http[123]\\.|update_|external\\.|internal\\.|canary\\.|zone\\.|original_dst_|retry_or_shadow|bind_errors|assignment_|max_host_weight|version|warming_state|init_fetch_timeout|default\\.|tls_inspector|client_ssl)",
  response_code: "_rq(_(\\d{3}))$",
  response_code_class: "_rq(_(\\dxx))$",
  http_conn_manager_prefix: `^http\\.(((?:inbound|outbound)_${IPV4}_?[0-9]{0,5}|[^.]+)\\.)`,
  listener_address: `^listener\\.((${IPV4}_[0-9]{1,5}|\\[[0-9a-fA-F_:]+\\]_[0-9]{1,5}|[^.]+)\\.)`,
  tcp_prefix: "^tcp\\.((.+?)\\.)(?:downstream_|upstream_|idle_|max_|early_|no_|on_demand_)",
};
