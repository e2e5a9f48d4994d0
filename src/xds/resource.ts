// What is served: named, versioned, encoded resources in immutable sets. This room never looks into their bytes.

import type { ResourceType } from "./resource-type.ts";

export interface ResourceReference {
  readonly type: ResourceType;
  readonly name: string;
}

/** Immutable, and shared by all streams that get it: its encoding for the wire is cached by identity. */
export interface Resource {
  readonly name: string;
  /** A hash of the body, so that a reconnect to any replica finds what hasn't changed. */
  readonly version: string;
  /** Fragments of the encoded message; the message is their concatenation. */
  readonly body: readonly Uint8Array[];
  /** A cluster's endpoints, a listener's routes and clusters, a route's clusters: the order is made from these. */
  readonly needs: readonly ResourceReference[];
}

/**
 * What one view gets: immutable, shared by the proxies of that view. A wildcard subscription gets what is listed;
 * `get` may know more, which a client gets when it asks by name (clusters and virtual hosts on demand).
 * A cluster whose secret can't be served must not be listed: it would freeze the ACK of all the others.
 */
export interface ResourceSet {
  /** A virtual host may be got by an alias; its `name` then differs from the name asked for. */
  get(type: ResourceType, name: string): Resource | undefined;
  /** The listed names, each once. */
  names(type: ResourceType): Iterable<string>;
  /** Absent: whatever can be got is listed. */
  lists?(type: ResourceType, name: string): boolean;
  /** Of its resources those that may need others which the set has no more. */
  standIns?(type: ResourceType): Iterable<Resource>;
}

export const emptyResourceSet: ResourceSet = {
  get: () => undefined,
  names: () => [],
};

/** A set of a few resources, all of them listed. */
export function createResourceSet(resources: Iterable<readonly [ResourceType, Resource]>): ResourceSet {
  const byType = new Map<ResourceType, Map<string, Resource>>();
  for (const [type, resource] of resources) {
    const ofType = byType.get(type) ?? new Map<string, Resource>();
    byType.set(type, ofType.set(resource.name, resource));
  }
  return {
    get: (type, name) => byType.get(type)?.get(name),
    names: (type) => byType.get(type)?.keys() ?? [],
  };
}
