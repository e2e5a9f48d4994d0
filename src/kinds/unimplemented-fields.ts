// Fields that are part of a kind and have no effect yet. Whoever sets one is told so, with file and line.
// Delete the entry when a builder implements the field.

export interface UnimplementedField {
  readonly kind: string;
  /** As in field-pattern.ts, such as `spec.http[].mirrors`. */
  readonly pattern: string;
  /** Why, and what to use instead, as a sentence's end: `mirroring comes in a later release`. */
  readonly reason: string;
}

export const unimplementedFields: readonly UnimplementedField[] = [];
