// The smallest store that satisfies controllers and kubelet, for tests of the local runtime.

import type { ObjectKey } from "../../src/core/object-key.ts";
import { parseObjectKey } from "../../src/core/object-key.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { ObjectChanges, WorkloadStore } from "../../src/local/workloads/workload-store.ts";
import { keyOfObject } from "../../src/local/workloads/workload-store.ts";

export interface TestStore extends WorkloadStore {
  /** Resolves when `claim` holds, asked after each change; rejects after 20 s. */
  until(claim: () => boolean): Promise<void>;
}

export function createTestStore(): TestStore {
  const objects = new Map<ObjectKey, KubernetesObject>();
  const listeners = new Set<(changes: ObjectChanges) => void>();
  const tell = (changes: ObjectChanges) => {
    for (const listener of listeners) listener(changes);
  };
  const watch = (listener: (changes: ObjectChanges) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    get: (key) => objects.get(key),
    list: (kind) =>
      [...objects].flatMap(([key, object]) => (parseObjectKey(key).kind === kind ? [object] : [])),
    apply(written) {
      const changes = new Map(written.map((object) => [keyOfObject(object), object]));
      for (const [key, object] of changes) objects.set(key, object);
      tell(changes);
    },
    delete(keys) {
      for (const key of keys) objects.delete(key);
      tell(new Map(keys.map((key) => [key, undefined])));
    },
    watch,
    until: (claim) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const pods = [...objects.values()].filter(({ kind }) => kind === "Pod");
          reject(
            new Error(
              `not seen; pods: ${JSON.stringify(pods.map(({ metadata, status }) => [metadata.name, status]))}`,
            ),
          );
        }, 20_000);
        const check = () => {
          if (!claim()) return;
          clearTimeout(timer);
          end();
          resolve();
        };
        const end = watch(check);
        check();
      }),
  };
}
