// Everything about one pod's proxy that annotations, ProxyConfig and the mesh decide, read once.
// The builders of containers and volumes look at this alone.

import type { CaptureSettings } from "../capture/capture-settings.ts";
import type { Problem } from "../core/problem.ts";
import type { ProxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import { podCapture } from "./capture-annotations.ts";
import type { InjectablePod, WorkloadOwner } from "./injectable-pod.ts";
import { labelOf } from "./injectable-pod.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import type { ChosenTemplates } from "./injection-templates.ts";
import { chooseTemplates } from "./injection-templates.ts";
import type { PodAnnotations } from "./pod-annotations.ts";
import { readPodAnnotations } from "./pod-annotations.ts";
import { podProxyConfig } from "./pod-proxy-config.ts";
import { workloadOwnerOf } from "./workload-owner.ts";

export type ProxyMode = "REDIRECT" | "TPROXY" | "NONE";

export interface SidecarPlan {
  readonly pod: InjectablePod;
  readonly namespace: string;
  readonly owner: WorkloadOwner;
  readonly settings: InjectionSettings;
  readonly annotations: PodAnnotations;
  readonly proxyConfig: ProxyConfig;
  readonly templates: ChosenTemplates;
  /** `router`: the pod is a gateway, has no application and captures nothing. */
  readonly role: "sidecar" | "router";
  readonly mode: ProxyMode;
  readonly capture: CaptureSettings;
  /** 0: the agent answers neither probes nor metrics. */
  readonly statusPort: number;
  /** Empty: the one network. */
  readonly network: string;
  readonly isNative: boolean;
  /** The application's containers wait until the proxy is ready. */
  readonly holdsApplication: boolean;
  readonly rewritesProbes: boolean;
}

export const DEFAULT_STATUS_PORT = 15020;

/** Where the pod's annotations can't be read, the Problems that say so. */
export function planSidecar(
  pod: InjectablePod,
  settings: InjectionSettings,
): SidecarPlan | { readonly problems: readonly Problem[] } {
  const { annotations, problems } = readPodAnnotations(pod);
  const proxyConfig = podProxyConfig(pod, settings.meshConfig.defaultConfig ?? {}, annotations);
  if (isList(proxyConfig)) return { problems: [...problems, ...proxyConfig] };
  const templates = chooseTemplates(annotations.templates, settings.templates);
  if ("problems" in templates) return { problems: [...problems, ...templates.problems] };
  const { role = "sidecar" } = templates;
  const mode = annotations.interceptionMode ?? proxyConfig.interceptionMode ?? "REDIRECT";
  const statusPort = annotations.statusPort ?? proxyConfig.statusPort ?? DEFAULT_STATUS_PORT;
  const capture = podCapture(pod, {
    mode: mode === "TPROXY" ? "TPROXY" : "REDIRECT",
    statusPort,
    proxyIds: settings.proxyIds,
    defaults: settings.captureDefaults,
  });
  const all = [...problems, ...capture.problems];
  if (all.length > 0) return { problems: all };
  const wantsNative = annotations.isNative ?? settings.usesNativeSidecars;
  return {
    pod,
    namespace: pod.metadata.namespace ?? "default",
    owner: workloadOwnerOf(pod),
    settings,
    annotations,
    proxyConfig,
    templates,
    role,
    mode,
    capture: capture.settings,
    statusPort,
    network: labelOf(pod, "topology.istio.io/network") ?? settings.network,
    isNative: role === "sidecar" && wantsNative && settings.supportsNativeSidecars,
    holdsApplication: proxyConfig.holdApplicationUntilProxyStarts === true,
    // Without the agent's port there is nobody to lead them through.
    rewritesProbes: (annotations.rewritesProbes ?? settings.rewritesProbes) && statusPort !== 0,
  };
}

function isList(value: ProxyConfig | readonly Problem[]): value is readonly Problem[] {
  return Array.isArray(value);
}
