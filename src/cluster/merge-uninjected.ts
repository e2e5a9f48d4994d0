// What several replicas say of pods without a sidecar, as one answer. Each sees the whole cluster, but for namespaces that
// are none of its mesh's, and one may be a moment behind.

import type { UninjectedPods } from "../admin/contract/control-plane.ts";

export function mergeUninjected(answers: readonly (readonly UninjectedPods[])[]): readonly UninjectedPods[] {
  const groups = new Map<string, UninjectedPods>();
  for (const group of answers.flat()) {
    const key = JSON.stringify([group.namespace, group.reason, group.revision]);
    const pods = new Set([...(groups.get(key)?.pods ?? []), ...group.pods]);
    groups.set(key, { ...group, pods: [...pods].sort() });
  }
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, group]) => group);
}
