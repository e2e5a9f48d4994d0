// What one client wants of one type, and where it differs from the set it should have: pure state, no I/O.
// A stream remembers differences only. A name that is wanted and isn't pending is held at the set's version, so a client
// in step with its set costs a bitmap of the names it asked for.
// Quoted titles are sections of the specification "xDS REST and gRPC protocol".

import type { Held } from "./backend.ts";
import type { InternedNames } from "./name-set.ts";
import { NameSet } from "./name-set.ts";
import type { Resource, ResourceSet } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";

export interface Subscription {
  readonly type: ResourceType;
  isWildcard: boolean;
  /** Once a name (or `*`) was asked for, an empty list means none ("How the client specifies what resources to return"). */
  hasAskedByName: boolean;
  readonly names: NameSet;
  /** The names that may have to be sent, with what the client has of each. */
  readonly pending: Map<string, Held>;
  /** A first wildcard request is answered even if there is nothing: an Envoy waits for the first CDS and LDS response. */
  owesAnswer: boolean;
}

export function createSubscription(type: ResourceType, table: InternedNames): Subscription {
  return {
    type,
    isWildcard: false,
    hasAskedByName: false,
    names: new NameSet(table),
    pending: new Map(),
    owesAnswer: false,
  };
}

export interface DeltaSubscriptionRequest {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Empty unless this is the first request of its type on the stream. */
  readonly initialVersions: ReadonlyMap<string, string>;
  readonly isFirst: boolean;
}

/** Applies a DeltaDiscoveryRequest; a stale nonce doesn't matter ("Incremental xDS": "must honor changes"). */
export function applyDelta(
  subscription: Subscription,
  set: ResourceSet,
  request: DeltaSubscriptionRequest,
): void {
  const { subscribe, unsubscribe, initialVersions, isFirst } = request;
  const isLegacyWildcard = isFirst && subscribe.length === 0 && unsubscribe.length === 0;
  if (subscribe.length > 0) subscription.hasAskedByName = true;
  for (const name of subscribe) {
    if (name !== "*") subscribeName(subscription, name);
  }
  if (isLegacyWildcard || subscribe.includes("*")) subscribeAll(subscription, set);
  for (const name of unsubscribe) unsubscribeName(subscription, name);
  if (isFirst) applyInitialVersions(subscription, set, initialVersions);
}

/**
 * Applies a DiscoveryRequest that isn't stale. Names are the whole list each time ("Unsubscribing From Resources");
 * only names that weren't in the last one are answered ("Resource updates").
 */
export function applyStateOfTheWorld(
  subscription: Subscription,
  set: ResourceSet,
  names: readonly string[],
): void {
  if (names.length > 0) subscription.hasAskedByName = true;
  const isWildcard = names.includes("*") || (names.length === 0 && !subscription.hasAskedByName);
  if (isWildcard && !subscription.isWildcard) subscribeAll(subscription, set);
  const wanted = new Set(names);
  for (const name of [...subscription.names]) {
    if (!wanted.has(name)) forgetName(subscription, name);
  }
  if (!isWildcard && subscription.isWildcard) unsubscribeAll(subscription);
  for (const name of names) {
    if (name !== "*" && !subscription.names.has(name)) subscribeName(subscription, name);
  }
}

/** The resource that the client should have under a name, if any. */
export function wantedResource(
  subscription: Subscription,
  set: ResourceSet,
  name: string,
): Resource | undefined {
  const { type } = subscription;
  const resource = set.get(type, name);
  if (resource === undefined) return undefined;
  const isListed = subscription.isWildcard && (set.lists?.(type, name) ?? true);
  return isListed || subscription.names.has(name) ? resource : undefined;
}

/** Notes what differs when the set `after` takes the place of `before`. */
export function applyPublish(
  subscription: Subscription,
  before: ResourceSet,
  after: ResourceSet,
  changed: Iterable<string> | "all",
): void {
  const names = changed === "all" ? everyName(subscription, before, after) : changed;
  for (const name of names) {
    const held = subscription.pending.get(name) ?? wantedResource(subscription, before, name) ?? "nothing";
    const wanted = wantedResource(subscription, after, name);
    const isSame = typeof held === "object" && held.version === wanted?.version;
    if (isSame) subscription.pending.delete(name);
    else if (wanted !== undefined || held !== "nothing") subscription.pending.set(name, held);
    // Neither there nor held: a name asked for stays pending until it is answered; a listed one is forgotten.
    else if (!subscription.names.has(name)) subscription.pending.delete(name);
  }
}

function everyName(subscription: Subscription, before: ResourceSet, after: ResourceSet): Set<string> {
  const names = new Set<string>([...subscription.names, ...subscription.pending.keys()]);
  if (subscription.isWildcard) {
    for (const name of before.names(subscription.type)) names.add(name);
    for (const name of after.names(subscription.type)) names.add(name);
  }
  return names;
}

/** "Subscribing to Resources": what is asked for is sent, even if the client seems to have it: it may have forgotten. */
function subscribeName(subscription: Subscription, name: string): void {
  subscription.names.add(name);
  if (!subscription.pending.has(name)) subscription.pending.set(name, "nothing");
}

function subscribeAll(subscription: Subscription, set: ResourceSet): void {
  subscription.isWildcard = true;
  subscription.owesAnswer = true;
  for (const name of set.names(subscription.type)) {
    if (!subscription.pending.has(name)) subscription.pending.set(name, "nothing");
  }
}

function unsubscribeName(subscription: Subscription, name: string): void {
  if (name === "*") {
    unsubscribeAll(subscription);
    return;
  }
  // "Unsubscribing from Resources": phantom unsubscriptions are ignored; beside a wildcard the client can't know
  // whether it is to keep the resource, so it is told: by the resource, or by its removal.
  if (!forgetName(subscription, name)) return;
  if (subscription.isWildcard) subscription.pending.set(name, "unknown");
}

function forgetName(subscription: Subscription, name: string): boolean {
  if (!subscription.names.delete(name)) return false;
  subscription.pending.delete(name);
  return true;
}

/** The client drops what it had by the wildcard alone. */
function unsubscribeAll(subscription: Subscription): void {
  subscription.isWildcard = false;
  subscription.owesAnswer = false;
  for (const name of [...subscription.pending.keys()]) {
    if (!subscription.names.has(name)) subscription.pending.delete(name);
  }
}

/** "Incremental xDS": on reconnect what the client has already isn't sent again, and what is gone is answered. */
function applyInitialVersions(
  subscription: Subscription,
  set: ResourceSet,
  versions: ReadonlyMap<string, string>,
): void {
  for (const [name, version] of versions) {
    const wanted = wantedResource(subscription, set, name);
    if (wanted?.version === version) subscription.pending.delete(name);
    else if (subscription.isWildcard || subscription.names.has(name))
      subscription.pending.set(name, "unknown");
  }
  if (versions.size > 0) subscription.owesAnswer = false;
}
