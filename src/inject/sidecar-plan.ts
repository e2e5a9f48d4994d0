// Everything about one pod's proxy that annotations, ProxyConfig and the mesh decide, read once.
// The builders of containers and volumes look at this alone.

import type { CaptureSettings } from "../capture/capture-settings.ts";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import type { ProxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import { podCapture } from "./capture-annotations.ts";
import type { InjectablePod, WorkloadOwner } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import { isProblem, podProxyConfig } from "./pod-proxy-config.ts";
import { workloadOwnerOf } from "./workload-owner.ts";

export type ProxyMode = "REDIRECT" | "TPROXY" | "NONE";

export interface SidecarPlan {
  readonly pod: InjectablePod;
  readonly namespace: string;
  readonly owner: WorkloadOwner;
  readonly settings: InjectionSettings;
  readonly proxyConfig: ProxyConfig;
  /** `router`: the pod is a gateway, has no application and captures nothing. */
  readonly role: "sidecar" | "router";
  readonly mode: ProxyMode;
  readonly capture: CaptureSettings;
  readonly statusPort: number;
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
  const proxyConfig = podProxyConfig(pod, settings.meshConfig.defaultConfig ?? {});
  if (isProblem(proxyConfig)) return { problems: [proxyConfig] };
  const mode =
    annotationOf(pod, "sidecar.istio.io/interceptionMode") ?? proxyConfig.interceptionMode ?? "REDIRECT";
  if (!isProxyMode(mode)) return { problems: [wrongMode(mode)] };
  const statusPort = Number(
    annotationOf(pod, "status.sidecar.istio.io/port") ?? proxyConfig.statusPort ?? DEFAULT_STATUS_PORT,
  );
  const capture = podCapture(pod, { mode: mode === "TPROXY" ? "TPROXY" : "REDIRECT", statusPort });
  if (capture.problems.length > 0) return { problems: capture.problems };
  return {
    pod,
    namespace: pod.metadata.namespace ?? "default",
    owner: workloadOwnerOf(pod),
    settings,
    proxyConfig,
    role: isGateway(pod) ? "router" : "sidecar",
    mode,
    capture: capture.settings,
    statusPort,
    isNative: isTrue(annotationOf(pod, "sidecar.istio.io/nativeSidecar")) ?? settings.usesNativeSidecars,
    holdsApplication: proxyConfig.holdApplicationUntilProxyStarts === true,
    rewritesProbes: isTrue(annotationOf(pod, "sidecar.istio.io/rewriteAppHTTPProbers")) ?? true,
  };
}

function isGateway(pod: InjectablePod): boolean {
  const templates = annotationOf(pod, "inject.istio.io/templates")?.split(",") ?? [];
  return templates.some((template) => template.trim() === "gateway");
}

function isTrue(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : text === "true";
}

function isProxyMode(mode: string): mode is ProxyMode {
  return mode === "REDIRECT" || mode === "TPROXY" || mode === "NONE";
}

function wrongMode(mode: string): Problem {
  return problem("MLT1005", {
    path: 'metadata.annotations["sidecar.istio.io/interceptionMode"]',
    message: `Cannot intercept by mode "${mode}": wanted "REDIRECT", "TPROXY" or "NONE"`,
  });
}
