// What Istio's reference lists for pods beside the annotations that injection reads one by one, and the labels: what each
// does here, or why it does nothing. By these lists users are told of slips of the pen.

import { spellingHint } from "../core/nearest-spelling.ts";
import { captureAnnotations } from "./capture-annotations.ts";
import { podAnnotations } from "./pod-annotations.ts";

export interface NamedEffect {
  readonly name: string;
  /** A clause for people. */
  readonly effect: string;
}

export const otherAnnotations: readonly NamedEffect[] = [
  {
    name: "sidecar.istio.io/inject",
    effect: '"false" keeps the sidecar out; the label of that name stands over it',
  },
  { name: "proxy.istio.io/config", effect: "the pod's ProxyConfig as YAML, over the mesh's `defaultConfig`" },
  { name: "sidecar.istio.io/status", effect: "written by injection: what it added" },
  { name: "proxy.istio.io/overrides", effect: "written by injection: the pod's own `istio-proxy` container" },
  { name: "istio.io/rev", effect: "written by injection: the revision that injected" },
  {
    name: "kubectl.kubernetes.io/default-container",
    effect: "written by injection, unless it is there: the app's first container",
  },
];

export interface NamedReason {
  readonly name: string;
  /** A clause for people. */
  readonly reason: string;
}

export const annotationsWithoutEffect: readonly NamedReason[] = [
  { name: "sidecar.istio.io/extraStatTags", reason: "telemetry comes in a later release" },
  { name: "sidecar.istio.io/statsCompression", reason: "metrics aren't compressed" },
  {
    name: "sidecar.istio.io/enableCoreDump",
    reason: "it would need a privileged container; set the node's core pattern",
  },
  {
    name: "readiness.status.sidecar.istio.io/applicationPorts",
    reason: "the proxy is ready when it has its configuration, whatever ports the app opens",
  },
  { name: "sidecar.istio.io/capNetBindService", reason: "the pod's sysctl opens low ports to gateways" },
  { name: "ambient.istio.io/bypass-inbound-capture", reason: "there is no ambient mode" },
  { name: "ambient.istio.io/dns-capture", reason: "there is no ambient mode" },
  { name: "ambient.istio.io/redirection", reason: "there is no ambient mode" },
  { name: "alpha.istio.io/identity", reason: "a workload's identity is its ServiceAccount" },
];

export const podLabels: readonly NamedEffect[] = [
  { name: "sidecar.istio.io/inject", effect: '"true" asks for the sidecar, "false" keeps it out' },
  { name: "istio.io/rev", effect: "asks for the sidecar of this revision" },
  {
    name: "service.istio.io/canonical-name",
    effect: "the service's name in telemetry; else `app.kubernetes.io/name`, `app`, the workload's name",
  },
  {
    name: "service.istio.io/canonical-revision",
    effect: 'its version; else `app.kubernetes.io/version`, `version`, "latest"',
  },
  { name: "service.istio.io/workload-name", effect: "the workload's name in telemetry" },
  {
    name: "security.istio.io/tlsMode",
    effect: '"istio": peers speak mutual TLS to it; "disabled": they don\'t',
  },
  { name: "topology.istio.io/network", effect: "the network that the pod is in" },
];

/** Only these are injection's; of other annotations under istio.io, other rooms know. */
const ownPrefixes = [
  "sidecar.istio.io/",
  "traffic.sidecar.istio.io/",
  "status.sidecar.istio.io/",
  "readiness.status.sidecar.istio.io/",
  "proxy.istio.io/",
  "inject.istio.io/",
  "prometheus.istio.io/",
  "ambient.istio.io/",
];

const knownNames: ReadonlySet<string> = new Set(
  [...Object.values(podAnnotations), ...captureAnnotations, ...otherAnnotations].map(({ name }) => name),
);

/** Why an annotation of a pod has no effect; undefined where it has, or is none of injection's. */
export function whyWithoutEffect(name: string): string | undefined {
  if (knownNames.has(name)) return undefined;
  const known = annotationsWithoutEffect.find((one) => one.name === name);
  if (known !== undefined) return known.reason;
  if (!ownPrefixes.some((prefix) => name.startsWith(prefix))) return undefined;
  return ["it isn't known", spellingHint(name, knownNames)].filter((part) => part !== undefined).join(", ");
}
