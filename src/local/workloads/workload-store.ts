// The store of objects as controllers and kubelet see it: the local API server, asked in-process.

import type { ObjectKey } from "../../core/object-key.ts";
import { objectKey } from "../../core/object-key.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";

export type ObjectChanges = ReadonlyMap<ObjectKey, KubernetesObject | undefined>;

export interface WorkloadStore {
  get(key: ObjectKey): KubernetesObject | undefined;
  list(kind: string): readonly KubernetesObject[];
  /** Creates or replaces; the store stamps uid, generation and resourceVersion. */
  apply(objects: readonly KubernetesObject[]): void;
  delete(keys: readonly ObjectKey[]): void;
  /** Tells what changed, once for each batch; undefined for what is gone. Returns the function that ends it. */
  watch(listener: (changes: ObjectChanges) => void): () => void;
}

export function keyOfObject({ kind, metadata }: KubernetesObject): ObjectKey {
  return objectKey({ kind, namespace: metadata.namespace ?? "", name: metadata.name });
}
