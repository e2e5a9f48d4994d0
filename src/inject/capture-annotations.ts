// From a pod's `traffic.sidecar.istio.io/*` annotations to the settings of its redirect rules.

import { captureFlags } from "../capture/capture-flags.ts";
import type { CaptureSettings } from "../capture/capture-settings.ts";
import { defaultCaptureSettings } from "../capture/capture-settings.ts";
import type { Problem } from "../core/problem.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import { annotationProblem } from "./pod-annotations.ts";
import type { ProxyIds } from "./proxy-ids.ts";
import { defaultProxyIds } from "./proxy-ids.ts";

export interface PodCapture {
  readonly settings: CaptureSettings;
  readonly problems: readonly Problem[];
}

export interface CaptureAnnotation {
  readonly name: string;
  /** The flag of the redirect program that it sets. */
  readonly flag: string;
  /** A clause for people. */
  readonly effect: string;
}

const traffic = (name: string) => `traffic.sidecar.istio.io/${name}`;

/** The later ones win. */
export const captureAnnotations: readonly CaptureAnnotation[] = [
  {
    name: traffic("includeOutboundIPRanges"),
    flag: "i",
    effect: 'outbound traffic that is captured, by address: ranges, "*" for all, nothing for none',
  },
  { name: traffic("excludeOutboundIPRanges"), flag: "x", effect: "ranges that are left out of the former" },
  {
    name: traffic("includeInboundPorts"),
    flag: "b",
    effect: 'inbound traffic that is captured, by port: ports, "*" for all, nothing for none',
  },
  { name: traffic("excludeInboundPorts"), flag: "d", effect: "ports that are left out of the former" },
  {
    name: traffic("includeOutboundPorts"),
    flag: "q",
    effect: "outbound ports that are captured whatever the address is",
  },
  { name: traffic("excludeOutboundPorts"), flag: "o", effect: "outbound ports that aren't captured" },
  { name: traffic("excludeInterfaces"), flag: "c", effect: "interfaces whose traffic isn't captured" },
  {
    name: traffic("kubevirtInterfaces"),
    flag: "k",
    effect:
      "interfaces of virtual machines, whose inbound traffic counts as outbound; deprecated for the next",
  },
  {
    name: "istio.io/reroute-virtual-interfaces",
    flag: "k",
    effect: "interfaces of virtual machines, whose inbound traffic counts as outbound",
  },
];

/** Metrics and health of the proxy itself: never captured. */
const PROXY_PORTS = [15090, 15021];

export interface PodCaptureOptions {
  readonly mode: "REDIRECT" | "TPROXY";
  /** 0: nobody listens there. */
  readonly statusPort: number;
  readonly proxyIds?: ProxyIds;
  /** Values of annotations that the pod lacks. */
  readonly defaults?: Readonly<Record<string, string>>;
}

export function podCapture(pod: InjectablePod, options: PodCaptureOptions): PodCapture {
  const { mode, statusPort, proxyIds = defaultProxyIds, defaults = {} } = options;
  const problems: Problem[] = [];
  let settings: CaptureSettings = {
    ...defaultCaptureSettings,
    mode,
    proxyUsers: [`${proxyIds.uid}`],
    proxyGroups: [`${proxyIds.gid}`],
    inboundPorts: "*",
    outboundRanges: "*",
  };
  for (const { name, flag: short } of captureAnnotations) {
    const text = annotationOf(pod, name) ?? defaults[name];
    const flag = captureFlags.find((known) => known.short === short);
    if (text === undefined || flag === undefined) continue;
    const parsed = flag.parse(text);
    if (parsed === undefined) problems.push(annotationProblem(name, text, `wanted ${flag.wanted}`));
    else settings = { ...settings, ...parsed };
  }
  const status = statusPort === 0 ? [] : [statusPort];
  const excluded = new Set([...PROXY_PORTS, ...settings.inboundPortsExcluded, ...status]);
  return { settings: { ...settings, inboundPortsExcluded: [...excluded] }, problems };
}
