// The collections that one source follows, and their replicas, by kind.

import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { resourcePath } from "../../kubernetes/api-resource.ts";
import {
  type Collection,
  type CollectionChanges,
  type FollowContext,
  followCollection,
  type KeyedObject,
  type Replica,
} from "./follow-collection.ts";
import type { IngestedObject } from "./ingested-object.ts";
import { createProtobufListReader } from "./protobuf-list.ts";
import type { RawObject } from "./raw-object.ts";
import { wireForms } from "./wire-forms.ts";

export interface Collections {
  /** Follows it from now on; once for each collection. */
  follow(collection: Collection): void;
  /** Follows it no more; what was known of it is told as deleted. */
  forget(collection: Collection): void;
  isFollowed(collection: Collection): boolean;
  /** Lists those of the kinds anew: what is taken in of an object has changed, though no object has. */
  renew(kinds: ReadonlySet<string>): void;
  /** All that are followed have been listed. */
  isSynced(): boolean;
  /** Objects in force, of all kinds. */
  objects(): Iterable<KeyedObject>;
  objectsOfKind<T extends KubernetesObject>(kind: string): Iterable<T>;
}

export interface CollectionsOptions extends FollowContext {
  readonly signal: AbortSignal;
  /** Of kinds that have a wire form, it may be given no other fields than these. */
  readonly ingest: (raw: RawObject) => IngestedObject;
  readonly onChange: (kind: string, changes: CollectionChanges) => void;
  /** One more collection has been listed. */
  readonly onSynced: () => void;
}

interface Followed {
  readonly kind: string;
  readonly replica: Replica;
  readonly collection: Collection;
  stop: AbortController;
  isSynced: boolean;
}

export function createCollections(options: CollectionsOptions): Collections {
  const followedByPath = new Map<string, Followed>();
  const { onChange, onSynced } = options;
  options.signal.addEventListener("abort", () => {
    for (const { stop } of followedByPath.values()) stop.abort();
  });

  const follow = (collection: Collection) => {
    const { kind } = collection.resource;
    const stop = new AbortController();
    const followed: Followed = { kind, collection, replica: new Map(), stop, isSynced: false };
    followedByPath.set(idOf(collection), followed);
    begin(followed);
  };

  const begin = (followed: Followed) => {
    const { collection, kind, replica, stop } = followed;
    const wireForm = wireForms.get(kind);
    void followCollection(collection, {
      ...options,
      signal: stop.signal,
      replica,
      ...(wireForm !== undefined && { readProtobuf: createProtobufListReader(wireForm) }),
      onChange: (changes) => onChange(kind, changes),
      onSynced: () => {
        followed.isSynced = true;
        onSynced();
      },
    });
  };

  const renew = (kinds: ReadonlySet<string>) => {
    for (const followed of followedByPath.values()) {
      if (!kinds.has(followed.kind)) continue;
      followed.stop.abort();
      followed.stop = new AbortController();
      begin(followed);
    }
  };

  const forget = (collection: Collection) => {
    const id = idOf(collection);
    const followed = followedByPath.get(id);
    if (followed === undefined) return;
    followedByPath.delete(id);
    followed.stop.abort();
    const deletes = [...followed.replica].flatMap(([key, { object }]) => (object === undefined ? [] : [key]));
    if (deletes.length > 0) onChange(followed.kind, { upserts: [], deletes, problems: [] });
  };

  function* objects(): Iterable<KeyedObject> {
    for (const { replica } of followedByPath.values()) {
      for (const [key, { object }] of replica) if (object !== undefined) yield { key, object };
    }
  }
  function* objectsOfKind<T extends KubernetesObject>(wanted: string): Iterable<T> {
    for (const { kind, replica } of followedByPath.values()) {
      if (kind !== wanted) continue;
      for (const { object } of replica.values()) if (object !== undefined) yield object as T;
    }
  }
  return {
    follow,
    forget,
    renew,
    isFollowed: (collection) => followedByPath.has(idOf(collection)),
    isSynced: () => [...followedByPath.values()].every(({ isSynced }) => isSynced),
    objects,
    objectsOfKind,
  };
}

function idOf({ resource, namespace, name }: Collection): string {
  return resourcePath(resource, { ...(namespace && { namespace }), ...(name && { name }) });
}
