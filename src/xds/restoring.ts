// Takes back what a client refused: its last good version goes once more, and the refused one stays refused. Pure.

import type { PlannedResponse, TypeState, UnansweredResponse } from "./type-state.ts";

/** Undefined where there is nothing to restore. What is newer than a refused version goes instead. */
export function planRestoring({ subscription, restored }: TypeState): PlannedResponse | undefined {
  for (const [name, resource] of restored) {
    const isWanted = subscription.names.has(name) && !subscription.pending.has(name);
    if (isWanted) {
      const { type } = subscription;
      return { type, isRestoring: true, resources: [{ name, resource }], removed: [] };
    }
    restored.delete(name);
  }
  return undefined;
}

/** The verdict on it teaches nothing: see `recordAcknowledged` and `recordRejected`. */
export function recordRestoring(
  state: TypeState,
  { type, resources }: PlannedResponse,
  nonce: string,
): UnansweredResponse {
  for (const { name } of resources) state.restored.delete(name);
  const response: UnansweredResponse = {
    type,
    isRestoring: true,
    nonce,
    bytes: 0,
    removed: [],
    resources: resources.flatMap(({ resource }) => (resource === undefined ? [] : [resource])),
    replaced: new Map(),
    newClusters: [],
  };
  state.unanswered.push(response);
  return response;
}
