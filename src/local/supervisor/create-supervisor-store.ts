// The local API server's store behind the interface that controllers and kubelet know: it stamps what an API
// server stamps, and tells changes one turn later, so that a listener may write without overtaking others.

import type { Clock } from "../../core/clock.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { ObjectStore, StoreBatch } from "../../sources/memory/object-store.ts";
import { timestamp } from "../workloads/container-state.ts";
import { stableJson } from "../workloads/template-hash.ts";
import type { ObjectChanges } from "../workloads/workload-store.ts";
import { keyOfObject } from "../workloads/workload-store.ts";
import type { SupervisorStore } from "./supervisor-store.ts";

export interface SupervisorStoreOptions {
  readonly clock: Clock;
  readonly newUid: () => string;
}

export function createSupervisorStore(store: ObjectStore, options: SupervisorStoreOptions): SupervisorStore {
  const stamped = (object: KubernetesObject) =>
    stamp(object, store.get(keyOfObject(object))?.object, options);
  return {
    get: (key) => store.get(key)?.object,
    list: (kind) => store.list({ kind }).entries.map(({ object }) => object),
    apply(objects) {
      store.apply({ upserts: objects.map((object) => ({ object: stamped(object) })) });
    },
    delete(keys) {
      store.apply({ deletes: keys });
    },
    declare({ upserts, moves, deletes }) {
      const written = upserts.map((declared) => ({ ...declared, object: stamped(declared.object) }));
      store.apply({ upserts: written, moves, deletes, keepsStatus: true });
    },
    watch(listener) {
      let isEnded = false;
      const watching = store.watch(store.version, (batch) => {
        const changes = changesOf(batch);
        // To who asks for objects, where they are written is nothing.
        if (changes.size === 0) return;
        queueMicrotask(() => {
          if (!isEnded) listener(changes);
        });
      });
      return () => {
        isEnded = true;
        if (watching.state === "watching") watching.stop();
      };
    },
  };
}

function changesOf({ upserts, deletes }: StoreBatch): ObjectChanges {
  return new Map<
    ObjectChanges extends ReadonlyMap<infer K, unknown> ? K : never,
    KubernetesObject | undefined
  >([
    ...upserts.map(({ key, object }) => [key, object] as const),
    ...deletes.map((key) => [key, undefined] as const),
  ]);
}

/** A new spec is a new generation; uid and creation time stay as long as the object does. */
function stamp(
  object: KubernetesObject,
  before: KubernetesObject | undefined,
  { clock, newUid }: SupervisorStoreOptions,
): KubernetesObject {
  const { metadata } = object;
  const known = before?.metadata;
  const isSameSpec = before !== undefined && stableJson(before.spec ?? {}) === stableJson(object.spec ?? {});
  return {
    ...object,
    metadata: {
      ...metadata,
      uid: known?.uid ?? metadata.uid ?? newUid(),
      creationTimestamp: known?.creationTimestamp ?? metadata.creationTimestamp ?? timestamp(clock.now()),
      generation: (known?.generation ?? 0) + (isSameSpec ? 0 : 1),
    },
  };
}
