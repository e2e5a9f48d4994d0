// Adds the proxy to a pod: its container, the one that captures, volumes, labels and annotations, named as Istio's so
// that its users, tools and policies find them. What the pod says of the proxy itself is laid over it later.

import type { Container, EnvVar } from "../kinds/pod/container.ts";
import type { PodSpec } from "../kinds/pod/pod-spec.ts";
import { buildInitContainer } from "./init-container.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import { containerNames } from "./injection-settings.ts";
import { meshLabels } from "./mesh-labels.ts";
import { rewriteProbes } from "./probe-rewrite.ts";
import { mergePrometheus } from "./prometheus-merge.ts";
import { buildProxyContainer } from "./proxy-container.ts";
import { volumesOfProxy } from "./proxy-volumes.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";
import { buildValidationContainer } from "./validation-container.ts";

/** `carriedEnv`: what an injection before this one learned from fields that it then changed. */
export function addSidecar(plan: SidecarPlan, carriedEnv: readonly EnvVar[]): InjectablePod {
  const { metadata, spec } = plan.pod;
  const prometheus = mergePrometheus(plan);
  const { applications, env } = prepareApplications(plan);
  const generated = buildProxyContainer(plan, applications);
  const learned = [...env, ...prometheus.env];
  const carried = carriedEnv.filter(({ name }) => !learned.some((known) => known.name === name));
  const proxy = { ...generated, env: [...(generated.env ?? []), ...learned, ...carried] };
  return {
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...meshLabels(plan) },
      annotations: {
        ...annotationsOfMesh(plan),
        ...metadata.annotations,
        ...defaultContainer(plan, applications),
        ...prometheus.annotations,
      },
    },
    spec: {
      ...spec,
      ...placeContainers(plan, applications, proxy),
      volumes: addedByName(spec.volumes, volumesOfProxy(plan)),
      ...pullSecrets(plan),
      ...unprivilegedPorts(plan),
    },
  };
}

export function isProxy({ name }: Container): boolean {
  return name === containerNames.proxy;
}

/** The plugin on the node knows the pod alone, so the mesh's own choices must stand on it. */
function annotationsOfMesh({ settings }: SidecarPlan): Readonly<Record<string, string>> {
  const ofCapture = settings.capture === "cni" ? settings.captureDefaults : {};
  return { ...settings.injectedAnnotations, ...ofCapture };
}

function prepareApplications(plan: SidecarPlan): { applications: Container[]; env: EnvVar[] } {
  const own = plan.pod.spec.containers.filter((container) => !isProxy(container));
  if (!plan.rewritesProbes) return { applications: own, env: [] };
  const rewritten = own.map((container) => rewriteProbes(container, plan.statusPort));
  const probers = Object.assign({}, ...rewritten.map((each) => each.probers)) as object;
  const value = JSON.stringify(probers);
  const env = value === "{}" ? [] : [{ name: "ISTIO_KUBE_APP_PROBERS", value }];
  return { applications: rewritten.map(({ container }) => container), env };
}

/**
 * The user's init containers run before the init container, while the network is still their own; a native sidecar comes
 * before them. A plugin has captured the pod already, so there validation comes before all that could talk.
 */
function placeContainers(
  plan: SidecarPlan,
  applications: readonly Container[],
  proxy: Container,
): Pick<PodSpec, "containers" | "initContainers"> {
  const own = (plan.pod.spec.initContainers ?? []).filter((container) => !isProxy(container));
  const init = listOf(buildInitContainer(plan));
  const validation = listOf(buildValidationContainer(plan));
  if (plan.isNative) {
    return { initContainers: [...validation, ...init, proxy, ...own], containers: applications };
  }
  const containers = plan.holdsApplication ? [proxy, ...applications] : [...applications, proxy];
  const initContainers = [...validation, ...own, ...init];
  return initContainers.length === 0 ? { containers } : { containers, initContainers };
}

function listOf(container: Container | undefined): readonly Container[] {
  return container === undefined ? [] : [container];
}

/** What the pod has by that name stays as it is. */
function addedByName<T extends { readonly name?: string }>(own: readonly T[] = [], added: readonly T[]): T[] {
  const names = new Set(own.map(({ name }) => name));
  return [...added.filter(({ name }) => !names.has(name)), ...own];
}

function pullSecrets({ pod, settings }: SidecarPlan): Pick<PodSpec, "imagePullSecrets"> {
  const added = settings.imagePullSecrets.map((name) => ({ name }));
  return added.length === 0 ? {} : { imagePullSecrets: addedByName(pod.spec.imagePullSecrets, added) };
}

/** A gateway listens on 80 and 443 without being root. */
function unprivilegedPorts({ role, pod }: SidecarPlan): Pick<PodSpec, "securityContext"> {
  if (role === "sidecar") return {};
  const sysctls = pod.spec.securityContext?.sysctls ?? [
    { name: "net.ipv4.ip_unprivileged_port_start", value: "0" },
  ];
  return { securityContext: { ...pod.spec.securityContext, sysctls } };
}

/** What `kubectl logs` and `exec` show when no container is named: the app's, not the proxy's. */
function defaultContainer(plan: SidecarPlan, applications: readonly Container[]): Record<string, string> {
  const first = applications[0]?.name;
  if (first === undefined) return {};
  const names = ["kubectl.kubernetes.io/default-container", "kubectl.kubernetes.io/default-logs-container"];
  return Object.fromEntries(names.map((name) => [name, annotationOf(plan.pod, name) ?? first]));
}
