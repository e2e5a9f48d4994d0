// Where in a file something stands. Kept in side tables only: generated config never carries it,
// because a comment line added above an object must not change a byte of what proxies get.

export interface Location {
  /** Path as the user gave it, relative paths kept relative; `-` for standard input. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}
