// Extension configurations that a client's listeners are about to stop using: pure. An older listener has use of what it
// was given until the newer one is complete; what is meant for listeners that don't use it any more is news to nobody.

import type { ResourceSet } from "./resource.ts";
import { wantedResource } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";

export interface ExtensionUse {
  readonly extensions: TypeState;
  readonly listeners: TypeState;
  readonly set: ResourceSet;
}

/**
 * Whether a newer version is to wait: no listener of the set needs the extension, and the client hasn't got yet all that
 * these need. It is asked while listeners change, and of a name that waits already.
 */
export function isLeftBehind(name: string, { extensions, listeners, set }: ExtensionUse): boolean {
  const areChanging = listeners.subscription.pending.size + listeners.unanswered.length > 0;
  if (!areChanging && !extensions.deadlines.has(name)) return false;
  // Asked for just now: a listener waits for it.
  if (extensions.subscription.pending.get(name) === "nothing") return false;
  const needed = neededExtensions(listeners, set);
  return !needed.has(name) && [...needed].some((each) => !isInUse(each, extensions));
}

function neededExtensions({ subscription }: TypeState, set: ResourceSet): ReadonlySet<string> {
  const names = subscription.isWildcard ? set.names("listener") : subscription.names;
  const needed = new Set<string>();
  for (const name of names) {
    for (const need of wantedResource(subscription, set, name)?.needs ?? [])
      if (need.type === "extension-config") needed.add(need.name);
  }
  return needed;
}

function isInUse(name: string, { subscription, unanswered }: TypeState): boolean {
  if (!subscription.names.has(name) || subscription.pending.has(name)) return false;
  return !unanswered.some(({ resources }) => resources.some((resource) => resource.name === name));
}
