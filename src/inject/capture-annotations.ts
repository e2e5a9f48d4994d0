// From a pod's `traffic.sidecar.istio.io/*` annotations to the settings of its redirect rules.

import { captureFlags } from "../capture/capture-flags.ts";
import type { CaptureSettings } from "../capture/capture-settings.ts";
import { defaultCaptureSettings } from "../capture/capture-settings.ts";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";

export interface PodCapture {
  readonly settings: CaptureSettings;
  readonly problems: readonly Problem[];
}

/** The flag of the redirect program that each annotation sets; the later ones win. */
const flagsByAnnotation: Readonly<Record<string, string>> = {
  "traffic.sidecar.istio.io/includeOutboundIPRanges": "i",
  "traffic.sidecar.istio.io/excludeOutboundIPRanges": "x",
  "traffic.sidecar.istio.io/includeInboundPorts": "b",
  "traffic.sidecar.istio.io/excludeInboundPorts": "d",
  "traffic.sidecar.istio.io/includeOutboundPorts": "q",
  "traffic.sidecar.istio.io/excludeOutboundPorts": "o",
  "traffic.sidecar.istio.io/excludeInterfaces": "c",
  "traffic.sidecar.istio.io/kubevirtInterfaces": "k",
  "istio.io/reroute-virtual-interfaces": "k",
};

/** Metrics and health of the proxy itself: never captured. */
const PROXY_PORTS = [15090, 15021];

export function podCapture(
  pod: InjectablePod,
  { mode, statusPort }: { readonly mode: "REDIRECT" | "TPROXY"; readonly statusPort: number },
): PodCapture {
  const problems: Problem[] = [];
  let settings: CaptureSettings = {
    ...defaultCaptureSettings,
    mode,
    inboundPorts: "*",
    outboundRanges: "*",
  };
  for (const [annotation, short] of Object.entries(flagsByAnnotation)) {
    const text = annotationOf(pod, annotation);
    const flag = captureFlags.find((known) => known.short === short);
    if (text === undefined || flag === undefined) continue;
    const parsed = flag.parse(text);
    if (parsed === undefined) problems.push(wrongAnnotation(annotation, text, flag.wanted));
    else settings = { ...settings, ...parsed };
  }
  const excluded = new Set([...PROXY_PORTS, ...settings.inboundPortsExcluded, statusPort]);
  return { settings: { ...settings, inboundPortsExcluded: [...excluded] }, problems };
}

function wrongAnnotation(annotation: string, text: string, wanted: string): Problem {
  return problem("MLT1005", {
    path: `metadata.annotations["${annotation}"]`,
    message: `Cannot capture by annotation ${annotation} "${text}": wanted ${wanted}`,
  });
}
