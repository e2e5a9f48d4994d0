// MeshConfig's discoverySelectors: which namespaces the control plane takes objects from.

import { type LabelSelector, matchesSelector } from "../../core/label-selector.ts";
import type { MeshConfig } from "../../kinds/mesh-config/mesh-config.ts";
import type { Namespace } from "../../kinds/namespace.ts";

export interface NamespaceSelection {
  /** True for the empty namespace, which is that of cluster-wide objects. */
  isSelected(namespace: string): boolean;
  /** Returns the namespaces whose answer has changed. */
  update(namespaces: Iterable<Namespace>, meshConfig: MeshConfig | undefined): readonly string[];
}

const DEFAULT_ROOT_NAMESPACE = "istio-system";

/** The system namespace and the root namespace are always selected: they hold what is meant for the whole mesh. */
export function createNamespaceSelection(systemNamespace: string): NamespaceSelection {
  let selected: ReadonlySet<string> | "all" = "all";
  let known: ReadonlySet<string> = new Set();
  const isSelected = (namespace: string) => namespace === "" || selected === "all" || selected.has(namespace);
  return {
    isSelected,
    update(namespaces, meshConfig) {
      const list = [...namespaces];
      const names = new Set([...known, ...list.map(({ metadata }) => metadata.name)]);
      const before = new Map([...names].map((name) => [name, isSelected(name)]));
      known = new Set(list.map(({ metadata }) => metadata.name));
      selected = selectNamespaces(list, systemNamespace, meshConfig);
      return [...names].filter((name) => before.get(name) !== isSelected(name));
    },
  };
}

function selectNamespaces(
  namespaces: readonly Namespace[],
  systemNamespace: string,
  meshConfig: MeshConfig | undefined,
): ReadonlySet<string> | "all" {
  const selectors = (meshConfig?.spec.discoverySelectors ?? []).map(labelSelector);
  if (selectors.length === 0) return "all";
  const chosen = namespaces.filter(({ metadata: { labels } }) =>
    selectors.some((selector) => matchesSelector(selector, labels)),
  );
  const rootNamespace = meshConfig?.spec.rootNamespace ?? DEFAULT_ROOT_NAMESPACE;
  return new Set([systemNamespace, rootNamespace, ...chosen.map(({ metadata }) => metadata.name)]);
}

type DiscoverySelector = NonNullable<MeshConfig["spec"]["discoverySelectors"]>[number];

/** A requirement without key or operator, which the check of MeshConfig lets through, chooses nothing. */
function labelSelector({ matchLabels = {}, matchExpressions = [] }: DiscoverySelector): LabelSelector {
  const requirements = matchExpressions.map(({ key = "", operator = "", values = [] }) => ({
    key,
    operator,
    values,
  }));
  return { matchLabels, matchExpressions: requirements };
}
