// Which control plane a pod asks for by its labels and its namespace's, and whether somebody injects such pods: read as
// the API server reads the selectors of webhooks, whichever mesh's they are.

import { type LabelSelector, type Labels, matchesSelector } from "../core/label-selector.ts";

export const INJECT_LABEL = "sidecar.istio.io/inject";
export const REVISION_LABEL = "istio.io/rev";
export const INJECTION_LABEL = "istio-injection";

/** The revision that `istio-injection=enabled` means. */
export const DEFAULT_REVISION = "default";

/** A revision's name, or a tag; undefined where no sidecar is asked for. */
export function wantedRevision(namespaceLabels: Labels = {}, podLabels: Labels = {}): string | undefined {
  if (podLabels[INJECT_LABEL] === "false") return undefined;
  const injection = namespaceLabels[INJECTION_LABEL];
  if (injection !== undefined) return injection === "enabled" ? DEFAULT_REVISION : undefined;
  const revision = namespaceLabels[REVISION_LABEL] ?? podLabels[REVISION_LABEL];
  if (revision !== undefined) return revision;
  return podLabels[INJECT_LABEL] === "true" ? DEFAULT_REVISION : undefined;
}

/** The webhooks of a MutatingWebhookConfiguration. */
export interface InjectorWebhooks {
  readonly webhooks?: readonly {
    readonly namespaceSelector?: LabelSelector;
    readonly objectSelector?: LabelSelector;
  }[];
}

/** Whether one of them is asked about such a pod, because of these labels: webhooks of all pods are no injectors. */
export function isInjected(
  injectors: readonly InjectorWebhooks[],
  namespaceLabels: Labels = {},
  podLabels: Labels = {},
): boolean {
  return injectors.some(({ webhooks = [] }) =>
    webhooks.some(
      ({ namespaceSelector = {}, objectSelector = {} }) =>
        (asksForInjection(namespaceSelector) || asksForInjection(objectSelector)) &&
        matchesSelector(namespaceSelector, namespaceLabels) &&
        matchesSelector(objectSelector, podLabels),
    ),
  );
}

const injectionLabels: ReadonlySet<string> = new Set([INJECT_LABEL, REVISION_LABEL, INJECTION_LABEL]);

function asksForInjection({ matchExpressions = [], matchLabels = {} }: LabelSelector): boolean {
  return (
    Object.keys(matchLabels).some((label) => injectionLabels.has(label)) ||
    matchExpressions.some(({ key, operator }) => operator === "In" && injectionLabels.has(key))
  );
}
