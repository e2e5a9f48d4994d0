// Whether and how the plugin captures a pod, by what injection wrote into it. Pure.

import { parseCaptureArgs } from "../capture/capture-args.ts";
import type { CaptureSettings } from "../capture/capture-settings.ts";
import type { Problem } from "../core/problem.ts";
import { annotationOf, type InjectablePod } from "../inject/injectable-pod.ts";
import { containerNames } from "../inject/injection-settings.ts";
import { STATUS_ANNOTATION } from "../inject/injection-status.ts";

export type PodDecision =
  | { readonly kind: "capture"; readonly settings: CaptureSettings }
  /** Completes "not captured: …". */
  | { readonly kind: "skip"; readonly reason: string }
  /** It says what can't be read: half of a capture is worse than none. */
  | { readonly kind: "refuse"; readonly problems: readonly Problem[] };

/** Captured is what its validation container expects: injection has put the pod's and the mesh's wishes together there. */
export function decidePodCapture(pod: InjectablePod): PodDecision {
  const { hostNetwork, initContainers = [] } = pod.spec;
  if (hostNetwork === true) return skip("it uses the node's network");
  if (annotationOf(pod, STATUS_ANNOTATION) === undefined) return skip("it has no sidecar");
  const validation = initContainers.find(({ name }) => name === containerNames.validation);
  if (validation === undefined) return skip(`it has no container ${containerNames.validation}`);
  const { args = [], env = [] } = validation;
  const parsed = parseCaptureArgs(args, {
    env: Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
    resolvers: { ipv4: [], ipv6: [] },
  });
  if (parsed.kind === "invalid") return { kind: "refuse", problems: parsed.problems };
  // The pod's resolv.conf isn't there yet: queries to whatever server go to the agent, which asks the pod's own.
  const dns = { kind: parsed.settings.dns.kind === "off" ? "off" : "all" } as const;
  return { kind: "capture", settings: { ...parsed.settings, dns } };
}

function skip(reason: string): PodDecision {
  return { kind: "skip", reason };
}

/**
 * Its validation container found no capture: the pod started while the plugin wasn't there. Not while that container runs
 * again, nor once it has passed; its `lastState` then tells of a time before the repair.
 */
export function isUncaptured(pod: PodWithStatus): boolean {
  const { state, lastState } = validationOf(pod) ?? {};
  if (annotationOf(pod, STATUS_ANNOTATION) === undefined || state?.running !== undefined) return false;
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
