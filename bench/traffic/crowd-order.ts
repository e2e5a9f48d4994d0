// What the benchmark's process tells the process of its proxies to do; each order is answered when it is done.

export const SERVER_NAME = "meltemi.test";
/** A unary call that does nothing. */
export const EMPTY_PATH = "/meltemi.bench.v1.Bench/Nothing";

export type CrowdOrder =
  | {
      readonly kind: "begin";
      readonly port: number;
      readonly identities: readonly { readonly certificate: string; readonly key: string }[];
      readonly rootsPem: string;
      readonly seriesCount: number;
    }
  /** Each proxy makes one call, a few at once. */
  | { readonly kind: "report" | "empty" };
