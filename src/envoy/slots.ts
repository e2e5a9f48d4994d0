// Ordered places for what features build: a feature names its slot, and never what stands before or after it.

import type { ClaimedField } from "../kinds/claims.ts";

export interface SlotFeature<Slot extends string, Inputs, Piece> {
  readonly slot: Slot;
  /** Paths of the API fields that it implements, such as `Gateway.spec.servers[].tls.mode`. */
  readonly fields: readonly ClaimedField[];
  /** Pure; empty where the feature has nothing to do with these inputs. */
  readonly build: (inputs: Inputs) => readonly Piece[];
}

/** Builds the pieces of all features in the order of the slots; features of one slot in the order of the list. */
export function inSlots<Slot extends string, Inputs, Piece>(
  slots: readonly Slot[],
  features: readonly SlotFeature<Slot, Inputs, Piece>[],
): (inputs: Inputs) => Piece[] {
  const ordered = slots.flatMap((slot) => features.filter((feature) => feature.slot === slot));
  return (inputs) => ordered.flatMap(({ build }) => build(inputs));
}
