// Pods that lack the sidecar that they ask for, though nothing failed: nobody injects the revision that they name, or they
// were made before anybody answered, and wait for an image that never comes. Pure.

import type { Labels } from "../core/label-selector.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import { containerNames, defaultInjectionSettings } from "./injection-settings.ts";
import { type InjectorWebhooks, isInjected, REVISION_LABEL, wantedRevision } from "./wanted-revision.ts";

export interface UninjectedPods {
  readonly namespace: string;
  readonly reason: "unknown revision" | "made too early";
  /** That they ask for: a revision or a tag. */
  readonly revision: string;
  /** Their names; none of a namespace whose next pods it will be. */
  readonly pods: readonly string[];
}

export interface UninjectedQuery {
  readonly namespaces: Iterable<LabelledNamespace>;
  readonly pods: Iterable<Pod>;
  readonly injectors: readonly InjectorWebhooks[];
  /** Where nobody injects, whatever labels say: the control plane's, beside those of Kubernetes. */
  readonly ignoredNamespaces: readonly string[];
}

interface LabelledNamespace {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Labels;
    readonly deletionTimestamp?: string;
  };
}

/** Injection puts the proxy's image in its place. */
export const PLACEHOLDER_IMAGE = "auto";

export function findUninjectedPods(query: UninjectedQuery): readonly UninjectedPods[] {
  const ignored = new Set([...defaultInjectionSettings.ignoredNamespaces, ...query.ignoredNamespaces]);
  const groups = new Map<string, UninjectedPods>();
  const add = (group: Omit<UninjectedPods, "pods">, pods: readonly string[]) => {
    const key = JSON.stringify([group.namespace, group.reason, group.revision]);
    groups.set(key, { ...group, pods: [...(groups.get(key)?.pods ?? []), ...pods] });
  };
  const labelsByNamespace = new Map<string, Labels>();
  for (const { metadata } of query.namespaces) {
    const { deletionTimestamp, labels = {}, name: namespace } = metadata;
    if (ignored.has(namespace) || deletionTimestamp !== undefined) continue;
    labelsByNamespace.set(namespace, labels);
    const revision = wantedRevision(labels);
    if (revision !== undefined && !isInjected(query.injectors, labels))
      add({ namespace, reason: "unknown revision", revision }, []);
  }
  for (const pod of query.pods) {
    const { labels: podLabels, name, namespace } = pod.metadata;
    const labels = labelsByNamespace.get(namespace);
    const revision = labels && wantedRevision(labels, podLabels);
    if (labels === undefined || revision === undefined || hasEnded(pod)) continue;
    const isKnown = isInjected(query.injectors, labels, podLabels);
    if (!isKnown && lacksSidecar(pod)) add({ namespace, reason: "unknown revision", revision }, [name]);
    if (isKnown && wasMadeTooEarly(pod)) add({ namespace, reason: "made too early", revision }, [name]);
  }
  return [...groups.values()].map((group) => ({ ...group, pods: [...group.pods].sort() }));
}

/** Its proxy still has the image that stands for the proxy's: no pod is injected after it was made. */
export function wasMadeTooEarly({ spec }: Pod): boolean {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return containers.some(({ image, name }) => name === containerNames.proxy && image === PLACEHOLDER_IMAGE);
}

function lacksSidecar({ metadata, spec }: Pod): boolean {
  return spec.hostNetwork !== true && metadata.annotations?.[REVISION_LABEL] === undefined;
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}
