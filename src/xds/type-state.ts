// What one stream knows of one type: its subscription, the responses on their way, and what their verdicts teach.

import type { Held, RefusedResource } from "./backend.ts";
import type { Resource } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { rulesOf } from "./resource-type.ts";
import type { Subscription } from "./subscription.ts";

export interface TypeState {
  readonly subscription: Subscription;
  unanswered: UnansweredResponse[];
  /** Older versions that stay in use because the newer ones were refused. */
  readonly kept: Map<string, Held>;
  /** When what waits for clusters goes anyway. */
  readonly deadlines: Map<string, number>;
  /** Versions that the client refused and isn't sent again. */
  readonly refused: Map<string, string>;
  /** Names that go in a response by themselves, or with those of the same number alone. */
  readonly parts: Map<string, number>;
  partCount: number;
  /** Last good versions of what was refused, to be sent again before anything else. */
  readonly restored: Map<string, Resource>;
  /** Whether responses say what the client had before. */
  readonly isTracked: boolean;
}

/** One resource in a response, under the name that the client asked for. */
export interface PlannedResource {
  readonly name: string;
  /** Absent: the virtual host doesn't exist, which VHDS says by a resource without a body. */
  readonly resource: Resource | undefined;
}

export interface PlannedResponse {
  readonly type: ResourceType;
  /** It takes back what the client refused: the newest versions stay refused. */
  readonly isRestoring?: true;
  readonly resources: readonly PlannedResource[];
  readonly removed: readonly string[];
}

/** A response that the client has neither acknowledged nor refused yet. */
export interface UnansweredResponse {
  readonly type: ResourceType;
  readonly isRestoring?: true;
  readonly nonce: string;
  /** Set when the response is encoded, which in state of the world needs it recorded first. */
  bytes: number;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** What the client had before under each name, of types that need others. */
  readonly replaced: Map<string, Held>;
  /** Clusters that the client didn't have. */
  readonly newClusters: readonly string[];
}

export function createTypeState(subscription: Subscription, isTracked: boolean): TypeState {
  return {
    subscription,
    unanswered: [],
    kept: new Map(),
    deadlines: new Map(),
    refused: new Map(),
    parts: new Map(),
    partCount: 0,
    restored: new Map(),
    isTracked,
  };
}

/**
 * A client that unsubscribed and asked again while a response was on its way has that response's version after all,
 * as its ACK shows: also where an answer to the second request is on its way already.
 */
export function recordAcknowledged(state: TypeState, response: UnansweredResponse): void {
  const { subscription, unanswered, kept, refused } = state;
  for (const name of response.replaced.keys()) kept.delete(name);
  if (response.isRestoring) return;
  for (const { name } of response.resources) refused.delete(name);
  if (!rulesOf(response.type).waitsForClusters) return;
  const beliefs = [subscription.pending, ...unanswered.map(({ replaced }) => replaced)];
  for (const resource of response.resources) {
    if (!subscription.names.has(resource.name)) continue;
    for (const heldByName of beliefs) {
      if (heldByName.get(resource.name) === "nothing") heldByName.set(resource.name, resource);
    }
  }
}

/** What a client says of a response that it refuses. */
export interface ToldRefusal {
  /** Undefined: any of the response's resources may be bad. */
  readonly names: ReadonlySet<string> | undefined;
  /** Of clusters and listeners Envoy takes the good ones, if it could decode all; of other types up to the first bad one. */
  readonly areOthersTaken: boolean;
}

interface SetNow {
  /** Whether the client is to have it by its wildcard. */
  readonly isListed: (name: string) => boolean;
}

/** A refusal is of resources, whose older versions stay in use: Envoy removes what a refused response removes. */
export function recordRejected(
  state: TypeState,
  response: UnansweredResponse,
  { names, areOthersTaken, isListed }: ToldRefusal & SetNow,
): readonly RefusedResource[] {
  // The client has it: that it refuses it now can't be helped by sending it once more.
  if (response.isRestoring) return [];
  const { kept, refused, restored } = state;
  const gone = new Set(response.removed);
  const onItsWay = namesOnTheirWay(state);
  for (const [name, held] of response.replaced) {
    if (areOthersTaken && names?.has(name) === false) kept.delete(name);
    else if (held !== "nothing" && !gone.has(name) && !kept.has(name)) kept.set(name, held);
  }
  const lost = response.resources.filter(({ name }) => names?.has(name) !== true && !onItsWay.has(name));
  if (names === undefined) sendAgain(state, response, { lostParts: splitInHalves(lost), isListed });
  else if (!areOthersTaken) sendAgain(state, response, { lostParts: [lost], isListed });
  if (names === undefined) return [];
  return response.resources.flatMap((resource) => {
    const { name, version } = resource;
    if (!names.has(name) || onItsWay.has(name)) return [];
    refused.set(name, version);
    const inUse = inUseOf(state, name);
    if (typeof inUse === "object" && rulesOf(response.type).isRestored) restored.set(name, inUse);
    return [{ resource, inUse }];
  });
}

function splitInHalves<T>(items: readonly T[]): readonly (readonly T[])[] {
  const half = Math.ceil(items.length / 2);
  return [items.slice(0, half), items.slice(half)];
}

/**
 * Envoy takes one resource of a response after another up to the first bad one, and none where one can't be decoded,
 * and doesn't say which that is: each half goes by itself, until the bad one does. Removals went with what was lost.
 */
function sendAgain(
  state: TypeState,
  { removed, replaced }: UnansweredResponse,
  { lostParts, isListed }: { readonly lostParts: readonly (readonly Resource[])[] } & SetNow,
): void {
  const { subscription, kept, parts } = state;
  const { pending } = subscription;
  const isWanted = (name: string) => subscription.names.has(name) || isListed(name);
  for (const lost of lostParts) {
    state.partCount += 1;
    for (const { name } of lost) {
      if (!isWanted(name)) continue;
      parts.set(name, state.partCount);
      if (!pending.has(name)) pending.set(name, kept.get(name) ?? replaced.get(name) ?? "unknown");
    }
  }
  if (lostParts.every((lost) => lost.length === 0)) return;
  const onItsWay = namesOnTheirWay(state);
  for (const name of removed) if (!pending.has(name) && !onItsWay.has(name)) pending.set(name, "unknown");
}

/** Of newer versions or removals: the verdict on these is to come. */
function namesOnTheirWay({ unanswered }: TypeState): ReadonlySet<string> {
  return new Set(
    unanswered
      .filter(({ isRestoring }) => isRestoring !== true)
      .flatMap(({ resources, removed }) => [...resources.map(({ name }) => name), ...removed]),
  );
}

/** What a client has that refused the newest version. */
export function inUseOf({ kept, isTracked }: TypeState, name: string): Held {
  return kept.get(name) ?? (isTracked ? "nothing" : "unknown");
}

/** What may have been refused because of what changes now goes once more, each by itself. */
export function offerAgain(state: TypeState, names: Iterable<string>): void {
  const { subscription, refused, parts } = state;
  for (const name of names) {
    if (!refused.delete(name) || subscription.pending.has(name)) continue;
    subscription.pending.set(name, inUseOf(state, name));
    state.partCount += 1;
    parts.set(name, state.partCount);
  }
}
