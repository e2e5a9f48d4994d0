// Whether and how the plugin captures a pod, by what injection wrote into it. Pure.

import type { CaptureSettings } from "../capture/capture-settings.ts";
import type { Problem } from "../core/problem.ts";
import { podCapture } from "../inject/capture-annotations.ts";
import { annotationOf, type InjectablePod } from "../inject/injectable-pod.ts";
import { containerNames } from "../inject/injection-settings.ts";
import { defaultProxyIds, type ProxyIds } from "../inject/proxy-ids.ts";
import type { Container } from "../kinds/pod/container.ts";

export type PodDecision =
  | { readonly kind: "capture"; readonly settings: CaptureSettings }
  /** Completes "not captured: …". */
  | { readonly kind: "skip"; readonly reason: string }
  /** Its annotations can't be read: half of a capture is worse than none. */
  | { readonly kind: "refuse"; readonly problems: readonly Problem[] };

const STATUS = "sidecar.istio.io/status";
const DEFAULT_STATUS_PORT = 15020;

export function decidePodCapture(pod: InjectablePod): PodDecision {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const proxy = containers.find(({ name }) => name === containerNames.proxy);
  if (pod.spec.hostNetwork === true) return skip("it uses the node's network");
  if (proxy === undefined || annotationOf(pod, STATUS) === undefined) return skip("it has no sidecar");
  if (containers.some(({ name }) => name === containerNames.init)) {
    return skip(`its container ${containerNames.init} does it`);
  }
  if (proxy.args?.[1] === "router") return skip("it is a gateway");
  const mode = interceptionMode(pod, proxy);
  if (mode !== "REDIRECT" && mode !== "TPROXY") return skip(`its interception mode is ${mode}`);
  const proxyIds = proxyIdsOf(proxy);
  const { settings, problems } = podCapture(pod, { mode, statusPort: statusPort(pod, proxy), proxyIds });
  return problems.length > 0 ? { kind: "refuse", problems } : { kind: "capture", settings };
}

function skip(reason: string): PodDecision {
  return { kind: "skip", reason };
}

/** A transparent proxy runs as root, whose traffic is the app's too: its group tells it then. */
function proxyIdsOf({ securityContext = {} }: Container): ProxyIds {
  const { runAsUser = 0, runAsGroup = defaultProxyIds.gid } = securityContext;
  return { uid: runAsUser === 0 ? defaultProxyIds.uid : runAsUser, gid: runAsGroup };
}

function interceptionMode(pod: InjectablePod, proxy: Container): string {
  const annotated = annotationOf(pod, "sidecar.istio.io/interceptionMode");
  return annotated ?? envOf(proxy, "ISTIO_META_INTERCEPTION_MODE") ?? "REDIRECT";
}

function statusPort(pod: InjectablePod, proxy: Container): number {
  const annotated = annotationOf(pod, "status.sidecar.istio.io/port");
  const config = JSON.parse(envOf(proxy, "PROXY_CONFIG") || "{}") as { readonly statusPort?: number };
  return Number(annotated ?? config.statusPort ?? DEFAULT_STATUS_PORT);
}

function envOf({ env = [] }: Container, name: string): string | undefined {
  return env.find((variable) => variable.name === name)?.value;
}

/**
 * Its validation container found no capture: the pod started while the plugin wasn't there. Not while that container runs
 * again, nor once it has passed; its `lastState` then tells of a time before the repair.
 */
export function isUncaptured(pod: PodWithStatus): boolean {
  const { state, lastState } = validationOf(pod) ?? {};
  if (pod.metadata.annotations?.[STATUS] === undefined || state?.running !== undefined) return false;
  return (state?.terminated ?? lastState?.terminated)?.exitCode === NOT_CAPTURED;
}

/** How often its validation container was started again. */
export function validationCount(pod: PodWithStatus): number {
  return validationOf(pod)?.restartCount ?? 0;
}

function validationOf({ status }: PodWithStatus): InitContainerStatus | undefined {
  return status?.initContainerStatuses?.find(({ name }) => name === containerNames.validation);
}

/** As the validation container says it. */
const NOT_CAPTURED = 126;

interface ContainerState {
  readonly running?: object;
  readonly terminated?: { readonly exitCode?: number };
}

interface InitContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface PodWithStatus extends InjectablePod {
  readonly status?: {
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly initContainerStatuses?: readonly InitContainerStatus[];
  };
}

/** Namespaces whose pods must not start without the plugin: those that ask for injection. */
export function isMeshNamespace(labels: Readonly<Record<string, string>> = {}): boolean {
  const wish = labels["istio-injection"];
  return wish === "enabled" || (wish === undefined && (labels["istio.io/rev"] ?? "") !== "");
}
