// What the benchmark and the control plane's process tell each other over IPC.

/** `policy` edits an AuthorizationPolicy of the whole mesh; `policy-presence` makes another one, or takes it away. */
export type ChangeKind = "virtual-service" | "endpoint" | "policy" | "policy-presence";

/**
 * A change goes the way of any changed object, debounce included, and isn't answered. `count-programmed` counts for each
 * VirtualService who has it, as its status wants to know, and is answered when that is done.
 */
export type Question =
  | { readonly kind: "usage" | "count-programmed" }
  | { readonly kind: "change"; readonly change: ChangeKind; readonly round: number };

/** Counters since the process started. */
export interface ControlPlaneUsage {
  readonly kind: "usage";
  /** User and system time of all threads. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly sessionCount: number;
  /** Distinct sets among the connected proxies. */
  readonly viewCount: number;
  readonly virtualServiceCount: number;
  readonly responseCount: number;
  /** Acknowledged or refused. */
  readonly answeredCount: number;
  readonly rejectedCount: number;
  readonly resourceCount: number;
  /** Of encoded responses, without the framing of gRPC and HTTP/2. */
  readonly bytes: number;
}
