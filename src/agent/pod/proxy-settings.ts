// What users set for a proxy by annotations and ProxyConfig, in the form that its agent takes: the same in a pod of a
// cluster and in one of a local mesh. Injection has checked it; who writes it on a running pod later isn't heard.

import { ISTIO_PROXY_PORTS } from "../../core/proxy-ports.ts";
import type { AgentOptions } from "../agent.ts";
import { parseAppProbers } from "../app-prober.ts";
import type { HistogramBuckets } from "../bootstrap/stats-config.ts";
import { parseAppPages } from "../scrape/app-page.ts";
import { readFlag } from "./environment-value.ts";
import { readProxyConfig } from "./proxy-arguments.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProxySettingSources {
  /** Of the proxy's container. */
  readonly env: Environment;
  /** Of the pod. */
  readonly annotations: Environment;
}

export function readProxySettings({ env, annotations }: ProxySettingSources) {
  const { proxyAdminPort, statusPort, proxyStatsMatcher, runtimeValues } = readProxyConfig(env);
  const agentPort = annotations["status.sidecar.istio.io/port"] ?? statusPort;
  const buckets = annotations["sidecar.istio.io/statsHistogramBuckets"];
  const ownPort = Number(agentPort ?? ISTIO_PROXY_PORTS.agent);
  // The agent's own page has all the others in it: it would ask itself without end.
  const appPages = parseAppPages(env.ISTIO_PROMETHEUS_ANNOTATIONS ?? "").filter(
    ({ port }) => port !== ownPort,
  );
  return {
    probers: parseAppProbers(env.ISTIO_KUBE_APP_PROBERS ?? ""),
    ports: {
      ...(proxyAdminPort !== undefined && { admin: proxyAdminPort }),
      ...(agentPort !== undefined && { agent: Number(agentPort) }),
    },
    ...(appPages.length > 0 && { appPages }),
    ...(proxyStatsMatcher !== undefined && { stats: proxyStatsMatcher }),
    ...(buckets !== undefined && { histogramBuckets: JSON.parse(buckets) as HistogramBuckets }),
    ...(runtimeValues !== undefined && { runtimeValues }),
    hasDeferredStats: readFlag(env, "ENABLE_DEFERRED_STATS_CREATION", true),
  } satisfies Partial<AgentOptions>;
}
