// The note that injection leaves on a pod, by which a second injection finds and takes out the first one's parts.

import type { Container, EnvVar } from "../kinds/pod/container.ts";
import type { PodSpec } from "../kinds/pod/pod-spec.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import { containerNames } from "./injection-settings.ts";

export const STATUS_ANNOTATION = "sidecar.istio.io/status";
export const OVERRIDES_ANNOTATION = "proxy.istio.io/overrides";

export interface InjectionStatus {
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly imagePullSecrets: readonly string[] | null;
  readonly revision: string;
}

/** What `spec` has that the pod didn't, by name; the proxy is ours, whatever the pod says of it. */
export function statusNote(before: InjectablePod, spec: PodSpec, revision: string): string {
  const own = before.spec;
  const added = (after: Named = [], was: Named = []): string[] => {
    const names = new Set(was.map(({ name }) => name));
    return after
      .map(({ name = "" }) => name)
      .filter((name) => !names.has(name) || name === containerNames.proxy);
  };
  const pullSecrets = added(spec.imagePullSecrets, own.imagePullSecrets);
  const status: InjectionStatus = {
    initContainers: added(spec.initContainers, own.initContainers),
    containers: added(spec.containers, own.containers),
    volumes: added(spec.volumes, own.volumes),
    imagePullSecrets: pullSecrets.length === 0 ? null : pullSecrets,
    revision,
  };
  return JSON.stringify(status);
}

type Named = readonly { readonly name?: string }[];

export interface CleanPod {
  /** As before injection, the user's own parts of the proxy put back; the pod itself where there was none. */
  readonly pod: InjectablePod;
  /** What the first injection learned from fields that it then changed: the app's probes and metrics. */
  readonly carriedEnv: readonly EnvVar[];
}

const carriedNames = ["ISTIO_KUBE_APP_PROBERS", "ISTIO_PROMETHEUS_ANNOTATIONS"];

export function withoutInjection(pod: InjectablePod): CleanPod {
  const text = annotationOf(pod, STATUS_ANNOTATION);
  const status = text === undefined ? undefined : parseJson<Partial<InjectionStatus>>(text);
  if (status === undefined) return { pod, carriedEnv: [] };
  const overrides = parseJson<readonly Container[]>(annotationOf(pod, OVERRIDES_ANNOTATION) ?? "[]") ?? [];
  const keep = <T extends { readonly name?: string }>(
    items: readonly T[] = [],
    names: readonly string[] | null = [],
  ) => items.filter(({ name = "" }) => names?.includes(name) !== true);
  const { imagePullSecrets } = pod.spec;
  const spec = {
    ...pod.spec,
    initContainers: keep(pod.spec.initContainers, status.initContainers),
    containers: [...keep(pod.spec.containers, status.containers), ...overrides],
    volumes: keep(pod.spec.volumes, status.volumes),
    ...(imagePullSecrets && { imagePullSecrets: keep(imagePullSecrets, status.imagePullSecrets) }),
  };
  return { pod: { metadata: pod.metadata, spec }, carriedEnv: carriedEnvOf(pod) };
}

function carriedEnvOf({ spec }: InjectablePod): EnvVar[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const proxy = containers.find(({ name }) => name === containerNames.proxy);
  return (proxy?.env ?? []).filter(({ name }) => carriedNames.includes(name));
}

function parseJson<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined; // Written by someone else: then there is nothing of ours to take out.
  }
}
