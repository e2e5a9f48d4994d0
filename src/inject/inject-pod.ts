// Puts a sidecar into a pod, or what else its templates say, and leaves a note of what was added. Pure: the same pod and
// settings give the same result, twice gives it once.

import type { Labels } from "../core/label-selector.ts";
import type { Problem } from "../core/problem.ts";
import type { Container } from "../kinds/pod/container.ts";
import { addSidecar, isProxy } from "./add-sidecar.ts";
import { applyTemplates } from "./apply-templates.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { decideInjection } from "./injection-decision.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import type { CleanPod } from "./injection-status.ts";
import { OVERRIDES_ANNOTATION, STATUS_ANNOTATION, statusNote, withoutInjection } from "./injection-status.ts";
import { injectionWarnings } from "./injection-warnings.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";
import { planSidecar } from "./sidecar-plan.ts";
import { overrideContainer } from "./strategic-merge.ts";

export type Injection =
  | {
      readonly kind: "injected";
      readonly pod: InjectablePod;
      /** What may not be as meant. */
      readonly warnings: readonly Problem[];
    }
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
  const built = buildPod(plan, clean);
  if ("problems" in built) return { kind: "refused", problems: built.problems };
  return { kind: "injected", pod: built, warnings: injectionWarnings(plan) };
}

function buildPod(
  plan: SidecarPlan,
  { pod, carriedEnv }: CleanPod,
): InjectablePod | { readonly problems: readonly Problem[] } {
  const hasProxy = plan.templates.role !== undefined;
  const templated = applyTemplates(hasProxy ? addSidecar(plan, carriedEnv) : pod, plan);
  if ("problems" in templated) return templated;
  const { metadata, spec } = withOwnProxy(templated, pod);
  const overrides = containersOf(pod).filter(isProxy);
  const annotations = {
    ...metadata.annotations,
    "istio.io/rev": plan.settings.revision,
    ...(overrides.length === 0 ? {} : { [OVERRIDES_ANNOTATION]: JSON.stringify(overrides) }),
    [STATUS_ANNOTATION]: statusNote(pod, spec, plan.settings.revision),
  };
  return { metadata: { ...metadata, annotations }, spec };
}

/** The user's word about the proxy is the last one. */
function withOwnProxy({ metadata, spec }: InjectablePod, own: InjectablePod): InjectablePod {
  const override = containersOf(own).find(isProxy);
  if (override === undefined) return { metadata, spec };
  const overridden = (containers: readonly Container[]) =>
    containers.map((container) => (isProxy(container) ? overrideContainer(container, override) : container));
  const { initContainers } = spec;
  return {
    metadata,
    spec: {
      ...spec,
      containers: overridden(spec.containers),
      ...(initContainers === undefined ? {} : { initContainers: overridden(initContainers) }),
    },
  };
}

function containersOf({ spec }: InjectablePod): readonly Container[] {
  return [...spec.containers, ...(spec.initContainers ?? [])];
}
