// What the reviews service answers for one book.

export interface Review {
  readonly reader: string;
  readonly text: string;
}

export type Stars =
  | {
      readonly kind: "shown";
      readonly color: "black" | "red";
      readonly average: number;
      readonly count: number;
    }
  | { readonly kind: "unavailable"; readonly reason: string };

export interface BookReviews {
  readonly version: string;
  readonly pod: string;
  readonly reviews: readonly Review[];
  /** Absent in v1. */
  readonly stars?: Stars;
}
