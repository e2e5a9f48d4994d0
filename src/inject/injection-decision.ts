// Whether a pod gets a sidecar, by Istio's rules: what the webhook's selectors would say, and then
// what the pod, the mesh's selectors and the namespace say.

import type { LabelSelector, Labels } from "../core/label-selector.ts";
import { matchesSelector } from "../core/label-selector.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf, labelOf } from "./injectable-pod.ts";
import type { InjectionSettings } from "./injection-settings.ts";

export type InjectionDecision =
  | { readonly kind: "inject" }
  | { readonly kind: "skip" /** Completes "not injected: …". */; readonly reason: string };

const INJECT = "sidecar.istio.io/inject";
const NAMESPACE_INJECTION = "istio-injection";
const REVISION = "istio.io/rev";

const inject: InjectionDecision = { kind: "inject" };

/** `namespaceLabels` undefined: the user asked by hand (`meltemi inject`), so the namespace has no say. */
export function decideInjection(
  pod: InjectablePod,
  namespaceLabels: Labels | undefined,
  settings: InjectionSettings,
): InjectionDecision {
  if (pod.spec.hostNetwork === true) return skip("it uses the node's network (hostNetwork)");
  const namespace = pod.metadata.namespace ?? "default";
  if (settings.ignoredNamespaces.includes(namespace))
    return skip(`namespace "${namespace}" is never injected`);
  const wish = labelOf(pod, INJECT) ?? annotationOf(pod, INJECT);
  if (wish !== undefined && wish !== "" && wish !== "true") return skip(`${INJECT} is "${wish}"`);
  if (namespaceLabels !== undefined) {
    const refusal = namespaceRefusal(pod, namespaceLabels, settings);
    if (refusal !== undefined) return skip(refusal);
  }
  if (wish === "true") return inject;
  return bySelectors(pod, settings);
}

function bySelectors(pod: InjectablePod, settings: InjectionSettings): InjectionDecision {
  const isChosen = (selector: LabelSelector) =>
    !isEmpty(selector) && matchesSelector(selector, pod.metadata.labels);
  if (settings.alwaysInject.some(isChosen) && !settings.neverInject.some(isChosen)) return inject;
  if (settings.neverInject.some(isChosen)) return skip("its labels match a neverInject selector");
  return settings.isOptIn
    ? skip(`injection's policy is "disabled", and it lacks the label ${INJECT}=true`)
    : inject;
}

/** An empty selector would choose every pod, which nobody means here. */
function isEmpty(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
}

function namespaceRefusal(
  pod: InjectablePod,
  labels: Labels,
  settings: InjectionSettings,
): string | undefined {
  const wish = labels[NAMESPACE_INJECTION];
  const podRevision = labelOf(pod, REVISION);
  const revision = wish === undefined ? (labels[REVISION] ?? podRevision) : "default";
  if (wish === "disabled") return `its namespace has ${NAMESPACE_INJECTION}=disabled`;
  if (wish !== undefined && wish !== "enabled") return `its namespace has ${NAMESPACE_INJECTION}=${wish}`;
  if (revision !== undefined && revision !== settings.revision) {
    return `revision "${revision}" is wanted, this is "${settings.revision}"`;
  }
  const isAsked = revision !== undefined || labelOf(pod, INJECT) === "true" || settings.isEnabledByDefault;
  return isAsked ? undefined : `its namespace lacks the label ${NAMESPACE_INJECTION}=enabled`;
}

function skip(reason: string): InjectionDecision {
  return { kind: "skip", reason };
}
