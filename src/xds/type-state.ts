// What one stream knows of one type: its subscription, the responses on their way, and what their verdicts teach.

import type { Resource } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";
import { rulesOf } from "./resource-type.ts";
import type { Held, Subscription } from "./subscription.ts";

export interface TypeState {
  readonly subscription: Subscription;
  unanswered: UnansweredResponse[];
  /** Older versions that stay in use because the newer ones were refused. */
  readonly kept: Map<string, Held>;
  /** When what waits for clusters goes anyway. */
  readonly deadlines: Map<string, number>;
  /** Refused beside others, of which any may be the bad one: each is sent again in a response of its own. */
  readonly alone: Set<string>;
}

/** One resource in a response, under the name that the client asked for. */
export interface PlannedResource {
  readonly name: string;
  /** Absent: the virtual host doesn't exist, which VHDS says by a resource without a body. */
  readonly resource: Resource | undefined;
}

export interface PlannedResponse {
  readonly type: ResourceType;
  readonly resources: readonly PlannedResource[];
  readonly removed: readonly string[];
}

/** A response that the client has neither acknowledged nor refused yet. */
export interface UnansweredResponse {
  readonly type: ResourceType;
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

export function createTypeState(subscription: Subscription): TypeState {
  return { subscription, unanswered: [], kept: new Map(), deadlines: new Map(), alone: new Set() };
}

/**
 * A client that unsubscribed and asked again while a response was on its way has that response's version after all,
 * as its ACK shows: also where an answer to the second request is on its way already.
 */
export function recordAcknowledged(state: TypeState, response: UnansweredResponse): void {
  const { subscription, unanswered, kept } = state;
  for (const name of response.replaced.keys()) kept.delete(name);
  if (!rulesOf(response.type).waitsForClusters) return;
  const beliefs = [subscription.pending, ...unanswered.map(({ replaced }) => replaced)];
  for (const resource of response.resources) {
    if (!subscription.names.has(resource.name)) continue;
    for (const heldByName of beliefs) {
      if (heldByName.get(resource.name) === "nothing") heldByName.set(resource.name, resource);
    }
  }
}

/** A refusal is of resources, whose older versions stay in use: Envoy removes what a refused response removes. */
export function recordRejected(state: TypeState, response: UnansweredResponse): void {
  const { kept } = state;
  const { replaced, removed } = response;
  sendAgainAlone(state, response);
  const gone = new Set(removed);
  for (const [name, held] of replaced) {
    if (held !== "nothing" && !gone.has(name) && !kept.has(name)) kept.set(name, held);
  }
}

/**
 * Of most types Envoy takes one resource of a response after another up to the first bad one, and doesn't say which
 * that is: the others haven't reached it. Clusters and listeners it takes all, and names the bad ones.
 */
function sendAgainAlone({ subscription, alone }: TypeState, { type, resources }: UnansweredResponse): void {
  if (rulesOf(type).isFullState || resources.length < 2) return;
  for (const { name } of resources) {
    if (!subscription.names.has(name)) continue;
    alone.add(name);
    if (!subscription.pending.has(name)) subscription.pending.set(name, "unknown");
  }
}
