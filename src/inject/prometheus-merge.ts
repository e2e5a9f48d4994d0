// Metrics of app and proxy at one address: the pod's `prometheus.io/*` annotations point to the agent,
// and the agent is told where the app's own metrics are.

import type { EnvVar } from "../kinds/pod/container.ts";
import { annotationOf } from "./injectable-pod.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";

export interface PrometheusMerge {
  readonly annotations: Readonly<Record<string, string>>;
  readonly env: readonly EnvVar[];
}

const nothing: PrometheusMerge = { annotations: {}, env: [] };

export function mergePrometheus({
  annotations: asked,
  pod,
  settings,
  statusPort,
}: SidecarPlan): PrometheusMerge {
  const isMerged = asked.mergesMetrics ?? settings.meshConfig.enablePrometheusMerge !== false;
  const scrape = annotationOf(pod, "prometheus.io/scrape");
  if (!isMerged || scrape === "false" || statusPort === 0) return nothing;
  const own = {
    scrape: scrape ?? "",
    path: annotationOf(pod, "prometheus.io/path") ?? "",
    port: annotationOf(pod, "prometheus.io/port") ?? "",
  };
  const annotations = {
    "prometheus.io/scrape": "true",
    "prometheus.io/path": "/stats/prometheus",
    "prometheus.io/port": `${statusPort}`,
  };
  const targets = asked.scrapeTargets ?? [];
  const isScraped = Object.values(own).some((text) => text !== "") && own.port !== `${statusPort}`;
  const value = JSON.stringify(targets.length === 0 ? own : { ...own, targets });
  const env = isScraped || targets.length > 0 ? [{ name: "ISTIO_PROMETHEUS_ANNOTATIONS", value }] : [];
  return { annotations, env };
}
