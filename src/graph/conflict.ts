// What a graph reports where two rows produced one key.

/** Several input rows produced the same output key; the owner's value is in force. */
export interface Conflict {
  readonly table: string;
  readonly key: string;
  readonly owner: string;
  /** Input keys, sorted, the owner first. */
  readonly claimants: readonly string[];
}
