// Which kinds a control plane watches for all that it holds, and how an administrator narrows that down.

import { kinds } from "../../kinds/all-kinds.ts";
import { isMeshKind, type Kind } from "../../kinds/define-kind.ts";

/** Every kind of ours, and those of Kubernetes that config depends on; Secrets and ConfigMaps are followed by name. */
export const watchedKinds: readonly Kind[] = kinds.filter(
  (kind) => kind.scope !== "Pseudo" && (isMeshKind(kind) || kind.roles.includes("followed")),
);

export interface ResourceSelection {
  /** As in Istio's PILOT_IGNORE_RESOURCES: `virtualservices.networking.istio.io`, or `*.istio.io`. */
  readonly ignored: readonly string[];
  /** Stands over `ignored`, as PILOT_INCLUDE_RESOURCES. */
  readonly included: readonly string[];
}

/** Only kinds of the mesh can be ignored: without Services or Pods there is nothing to configure. */
export function selectKinds(all: readonly Kind[], { ignored, included }: ResourceSelection): readonly Kind[] {
  return all.filter((kind) => {
    if (!isMeshKind(kind)) return true;
    const name = `${kind.plural}.${kind.group}`;
    const isNamed = (patterns: readonly string[]) => patterns.some((pattern) => matches(pattern, name));
    return isNamed(included) || !isNamed(ignored);
  });
}

function matches(pattern: string, name: string): boolean {
  return pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : pattern === name;
}
