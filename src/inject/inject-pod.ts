// Puts a sidecar into a pod: containers, volumes, labels and annotations, named as Istio's so that its users,
// tools and policies find them. Pure: the same pod and settings give the same result, twice gives it once.

import type { Labels } from "../core/label-selector.ts";
import type { Problem } from "../core/problem.ts";
import type { Container, EnvVar } from "../kinds/pod/container.ts";
import type { PodSpec } from "../kinds/pod/pod-spec.ts";
import { buildInitContainer } from "./init-container.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import { decideInjection } from "./injection-decision.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import { containerNames } from "./injection-settings.ts";
import {
  formatStatus,
  OVERRIDES_ANNOTATION,
  STATUS_ANNOTATION,
  withoutInjection,
} from "./injection-status.ts";
import { meshLabels } from "./mesh-labels.ts";
import { overrideContainer } from "./override-container.ts";
import { rewriteProbes } from "./probe-rewrite.ts";
import { mergePrometheus } from "./prometheus-merge.ts";
import { buildProxyContainer } from "./proxy-container.ts";
import { volumesOfProxy } from "./proxy-volumes.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";
import { planSidecar } from "./sidecar-plan.ts";
import { buildValidationContainer } from "./validation-container.ts";

export type Injection =
  | { readonly kind: "injected"; readonly pod: InjectablePod }
  | { readonly kind: "skipped"; readonly reason: string }
  /** Annotations that can't be read; the pod must not start half captured. */
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** `namespaceLabels` undefined: asked for by hand, so the namespace has no say. */
export function injectPod(
  pod: InjectablePod,
  namespaceLabels: Labels | undefined,
  settings: InjectionSettings,
): Injection {
  const decision = decideInjection(pod, namespaceLabels, settings);
  if (decision.kind === "skip") return { kind: "skipped", reason: decision.reason };
  const clean = withoutInjection(pod);
  const plan = planSidecar(clean.pod, settings);
  if ("problems" in plan) return { kind: "refused", problems: plan.problems };
  return { kind: "injected", pod: buildPod(plan, clean.carriedEnv) };
}

function buildPod(plan: SidecarPlan, carriedEnv: readonly EnvVar[]): InjectablePod {
  const { metadata, spec } = plan.pod;
  const override = [...spec.containers, ...(spec.initContainers ?? [])].find(isProxy);
  const prometheus = mergePrometheus(plan);
  const { applications, env } = prepareApplications(plan);
  const generated = buildProxyContainer(plan, applications);
  const learned = [...env, ...prometheus.env];
  const carried = carriedEnv.filter(({ name }) => !learned.some((known) => known.name === name));
  const complete = { ...generated, env: [...(generated.env ?? []), ...learned, ...carried] };
  const proxy = override === undefined ? complete : overrideContainer(complete, override);
  const placed = placeContainers(plan, applications, proxy);
  return {
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...meshLabels(plan.pod, plan.owner) },
      annotations: {
        ...metadata.annotations,
        ...defaultContainer(plan, applications),
        "istio.io/rev": plan.settings.revision,
        ...prometheus.annotations,
        ...(override === undefined ? {} : { [OVERRIDES_ANNOTATION]: JSON.stringify([override]) }),
        [STATUS_ANNOTATION]: statusOf(plan, placed),
      },
    },
    spec: { ...spec, ...placed, volumes: volumesOf(spec), ...unprivilegedPorts(plan) },
  };
}

function isProxy({ name }: Container): boolean {
  return name === containerNames.proxy;
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

type PlacedContainers = Pick<PodSpec, "containers" | "initContainers">;

/**
 * The user's init containers run before the init container, while the network is still their own; a native sidecar comes
 * before them. A plugin has captured the pod already, so there validation comes before all that could talk.
 */
function placeContainers(
  plan: SidecarPlan,
  applications: readonly Container[],
  proxy: Container,
): PlacedContainers {
  const own = (plan.pod.spec.initContainers ?? []).filter((container) => !isProxy(container));
  const init = listOf(buildInitContainer(plan));
  const validation = listOf(buildValidationContainer(plan));
  if (plan.isNative && plan.role === "sidecar") {
    return { initContainers: [...validation, ...init, proxy, ...own], containers: applications };
  }
  const containers = plan.holdsApplication ? [proxy, ...applications] : [...applications, proxy];
  const initContainers = [...validation, ...own, ...init];
  return initContainers.length === 0 ? { containers } : { containers, initContainers };
}

function listOf(container: Container | undefined): readonly Container[] {
  return container === undefined ? [] : [container];
}

function volumesOf(spec: PodSpec): NonNullable<PodSpec["volumes"]> {
  const own = spec.volumes ?? [];
  const names = new Set(own.map(({ name }) => name));
  return [...volumesOfProxy().filter(({ name }) => !names.has(name)), ...own];
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

function statusOf(plan: SidecarPlan, placed: PlacedContainers): string {
  const ours: readonly string[] = Object.values(containerNames);
  const namesOf = (containers: readonly Container[] | undefined) =>
    (containers ?? []).map(({ name }) => name).filter((name) => ours.includes(name));
  return formatStatus({
    initContainers: namesOf(placed.initContainers),
    containers: namesOf(placed.containers),
    volumes: volumesOfProxy().map(({ name }) => name),
    revision: plan.settings.revision,
  });
}
