// What a client may still use through older versions of other resources, and so must not lose yet: pure.

import type { Held } from "./backend.ts";
import type { ResourceSet } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { rulesOf } from "./resource-type.ts";
import { wantedResource } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";

/** `unknown`: the client has versions that we never saw, so every name may be needed. */
export type Needed = ReadonlySet<string> | "unknown";

type TypeStates = ReadonlyMap<ResourceType, TypeState>;

/** The names of a type that some version which the client may still use needs. */
export function neededNames(type: ResourceType, states: TypeStates, set: ResourceSet): Needed {
  const needed = new Set<string>();
  for (const dependant of rulesOf(type).dependants) {
    const state = states.get(dependant);
    if (state === undefined) continue;
    for (const held of versionsInUse(state, states, set)) {
      if (held === "unknown") return "unknown";
      if (held === "nothing") continue;
      for (const need of held.needs) if (need.type === type) needed.add(need.name);
    }
  }
  return needed;
}

/**
 * Older versions: about to be replaced, replaced but not acknowledged, kept because the newer was refused, or standing
 * in for it.
 */
function* versionsInUse(state: TypeState, states: TypeStates, set: ResourceSet): Iterable<Held> {
  const { subscription, unanswered, kept } = state;
  const isKeptWhenGone = rulesOf(subscription.type).whenGone === "keep";
  let stillNeeded: Needed | undefined;
  for (const [name, held] of subscription.pending) {
    // A route that is gone stays with the client, unused as soon as no listener needs it.
    if (isKeptWhenGone && wantedResource(subscription, set, name) === undefined) {
      stillNeeded ??= neededNames(subscription.type, states, set);
      if (stillNeeded !== "unknown" && !stillNeeded.has(name)) continue;
    }
    yield held;
  }
  for (const { replaced, resources } of unanswered) {
    yield* replaced.values();
    // On its way, and superseded: a client that unsubscribed and subscribed again meanwhile will take it.
    for (const resource of resources) {
      if (wantedResource(subscription, set, resource.name) !== resource) yield resource;
    }
  }
  for (const resource of set.standIns?.(subscription.type) ?? []) {
    if (wantedResource(subscription, set, resource.name) === resource) yield resource;
  }
  for (const [name, held] of kept) {
    if (subscription.isWildcard || subscription.names.has(name)) yield held;
  }
}
