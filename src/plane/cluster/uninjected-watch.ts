// What a control plane in a cluster knows of pods that lack the sidecar that they ask for: by who injects pods, the
// namespaces' labels and the pods'.

import type { UninjectedPods } from "../../admin/contract/control-plane.ts";
import { findUninjectedPods, wasMadeTooEarly } from "../../inject/uninjected-pods.ts";
import { isInjected, wantedRevision } from "../../inject/wanted-revision.ts";
import { CNI_NAMESPACE } from "../../install/install-settings.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { rowKey } from "../../model/sources.ts";
import { type Injector, tagsOfRevision } from "../../sources/kubernetes/injectors.ts";
import type { ClusterSettings } from "../control-plane-settings.ts";
import type { ControlPlane } from "../create-control-plane.ts";

export interface UninjectedWatch {
  /** All that inject pods, as they are now. */
  take(injectors: readonly Injector[]): void;
  report(): readonly UninjectedPods[];
  /** Made before injection answered, and of this revision: another pod in its place would be injected. */
  replaceablePods(): readonly Pod[];
  /** Calls when there may be others of these; returns what ends it. */
  watch(listener: () => void): () => void;
}

export function createUninjectedWatch(
  { namespace, revision }: Pick<ClusterSettings, "namespace" | "revision">,
  { graph, sources }: Pick<ControlPlane, "graph" | "sources">,
): UninjectedWatch {
  let injectors: readonly Injector[] = [];
  const listeners = new Set<() => void>();
  const rows = <T>(table: { entries(): Iterable<readonly [string, T]> }) => {
    return [...table.entries()].map(([, row]) => row);
  };
  const isReplaceable = (pod: Pod, ownNames: readonly string[]) => {
    if (!wasMadeTooEarly(pod)) return false;
    const { labels, namespace: place } = pod.metadata;
    const ofNamespace = sources.Namespace.get(rowKey("", place))?.metadata.labels;
    const wanted = wantedRevision(ofNamespace, labels);
    return wanted !== undefined && ownNames.includes(wanted) && isInjected(injectors, ofNamespace, labels);
  };
  return {
    take(latest) {
      injectors = latest;
      for (const listener of listeners) listener();
    },
    report: () =>
      findUninjectedPods({
        namespaces: rows(sources.Namespace),
        pods: rows(sources.Pod),
        injectors,
        ignoredNamespaces: [namespace, CNI_NAMESPACE],
      }),
    replaceablePods() {
      const ownNames = [revision, ...tagsOfRevision(injectors, revision)];
      return rows(sources.Pod).filter((pod) => isReplaceable(pod, ownNames));
    },
    watch(listener) {
      listeners.add(listener);
      // Pods come and go all the time, and hardly one of them is such a pod.
      const endPods = graph.watch(sources.Pod, (changes) => {
        if ([...changes.values()].some((pod) => pod !== undefined && wasMadeTooEarly(pod))) listener();
      });
      const endNamespaces = graph.watch(sources.Namespace, () => listener());
      return () => {
        listeners.delete(listener);
        endPods();
        endNamespaces();
      };
    },
  };
}
